"""Defects that the tests of latent depth and routing must notice: (file, old code, new code, test target)."""

MODEL = "src/catscale/model"
LATENT = "tests/model/test_latent_depth.py"
ROUTED = "tests/model/test_routed.py"
LENGTH = "tests/run/folder/test_run_folder.py"

MUTANTS = [
    (f"{MODEL}/gates.py", "(score + routing.noise", "(score - 0 * routing.noise", ROUTED),
    (f"{MODEL}/gates.py", "gate = (score >= 0)", "gate = (score < 0)", ROUTED),
    (
        f"{MODEL}/gates.py",
        "torch.lerp(shared, own.to(shared.dtype), gate",
        "torch.lerp(own.to(shared.dtype), shared, gate",
        ROUTED,
    ),
    (f"{MODEL}/gates.py", "* self.masks[side]).sum()", "* 1.0).sum()", ROUTED),
    (f"{MODEL}/gates.py", "(total / count - budget).abs()", "(total / count - budget)", ROUTED),
    (f"{MODEL}/gates.py", "return shared + F.linear(F", "return F.linear(F", ROUTED),
    (f"{MODEL}/routed_model.py", "min(1.0, step / steps)", "step / steps", ROUTED),
    (f"{MODEL}/routed_model.py", "(batch.labels != IGNORED).float()", "torch.ones_like(batch.labels).float()", ROUTED),
    (f"{MODEL}/routed_model.py", "torch.nn.init.eye_(made.weight)", "torch.nn.init.zeros_(made.weight)", ROUTED),
    (f"{MODEL}/routed_model.py", "float(hard / tokens)", "float(tokens / tokens)", ROUTED),
    (f"{MODEL}/routed_model.py", "self._use.clear()", "pass", ROUTED),
    (
        f"{MODEL}/routed_model.py",
        "mean_gate(score[..., 0], self._routing.noise)",
        "mean_gate(score[..., 0], 0)",
        ROUTED,
    ),
    (f"{MODEL}/gates.py", "torch.linspace(-6, 6, 97", "torch.linspace(-6, 6, 9", ROUTED),
    (f"{MODEL}/gates.py", "-0.5 * nodes.square()", "-nodes.square()", ROUTED),
    (f"{MODEL}/routed.py", "2 * encoder + 3 * decoder", "3 * encoder + 2 * decoder", ROUTED),
    (f"{MODEL}/layer_choice.py", "logits + uniform.log() - (1", "logits + uniform.log() + (1", LATENT),
    (f"{MODEL}/layer_choice.py", "+ (soft - soft.detach()) if hard", "+ (soft.detach() - soft) if hard", LATENT),
    (f"{MODEL}/layer_choice.py", "return found or [int(row.argmax())]", "return found", LATENT),
    (f"{MODEL}/layer_choice.py", "start / rate", "start", LATENT),
    (f"{MODEL}/latent_depth_loss.py", "off.exp() * (off", "off.exp() * (on", LATENT),
    (f"{MODEL}/latent_depth_loss.py", "samples.mean(0).detach() +", "samples[row].detach() +", LATENT),
    (f"{MODEL}/latent_depth_loss.py", "+ (samples[row] - samples[row].detach())", "+ 0 * samples[row]", LATENT),
    (f"{MODEL}/latent_depth_loss.py", "return -(used * used", "return (used * used", LATENT),
    (f"{MODEL}/latent_depth_loss.py", "- self.target) ** 2", "+ self.target) ** 2", LATENT),
    (f"{MODEL}/latent_depth_loss.py", "sums / sums.sum().clamp(min=FLOOR)", "samples.mean(0).detach()", LATENT),
    (f"{MODEL}/latent_depth_loss.py", "(done - soft) / ramp - late", "(done - soft) / ramp", "tests/test_doctests.py"),
    (f"{MODEL}/active_layers.py", "gradient if ctx.is_one else", "gradient if not ctx.is_one else", LATENT),
    (
        f"{MODEL}/active_layers.py",
        "layer.encoder_attn.layer_idx = place",
        "layer.encoder_attn.layer_idx = 0",
        "tests/model/test_active_layers.py",
    ),
    (f"{MODEL}/active_layers.py", "*(attention.out_proj for attention in attentions), layer.fc2", "layer.fc2", LATENT),
    (
        f"{MODEL}/latent_depth_model.py",
        '"decoder": direction.target}',
        '"decoder": direction.source}',
        "tests/model/test_contract.py",
    ),
    (f"{MODEL}/latent_depth_model.py", "stack.enter_context(reduced(parts, used))", "pass", LATENT),
    (f"{MODEL}/latent_depth_model.py", "if place not in used]", "if place in used]", LATENT),
    (f"{MODEL}/routed.py", "return self.noise > 0", "return True", LENGTH),
    (f"{MODEL}/routed.py", "return self.noise > 0", "return False", LENGTH),
    (f"{MODEL}/pretrained.py", "self.routing is not None and self.routing.follows_length", "False", LENGTH),
    ("src/catscale/run/folder/run_folder.py", "if config.model.follows_length:", "if True:", LENGTH),
    ("src/catscale/run/folder/run_folder.py", "    if began != steps:", "    if False:", LENGTH),
]
