"""Defects that the tests of adapters of languages and families must notice."""

MODEL = "src/catscale/model"
TEST = "tests/model/test_language_adapters.py"

MUTANTS = [
    (f"{MODEL}/bottleneck.py", "hidden = F.relu(", "hidden = (", TEST),
    (f"{MODEL}/bottleneck.py", "return states + F.linear(hidden", "return normed + F.linear(hidden", TEST),
    (f"{MODEL}/bottleneck.py", "F.linear(normed, self.down", "F.linear(states, self.down", TEST),
    (f"{MODEL}/bottleneck.py", "self.gain[owner], self.shift[owner])", "self.gain[owner])", TEST),
    (f"{MODEL}/bottleneck.py", "owner: torch.zeros(width, bottleneck)", "owner: torch.ones(width, bottleneck)", TEST),
    (f"{MODEL}/bottleneck.py", "self.up, self.up_bias)", "self.up)", TEST),
    (f"{MODEL}/bottleneck.py", "+ bottleneck + 3 * width", "+ 3 * width", TEST),
    (f"{MODEL}/bottleneck.py", "get(self._side)", 'get("encoder")', TEST),
    (f"{MODEL}/bottleneck.py", '"sides": ("source", "target")', '"sides": ("target", "source")', TEST),
    (f"{MODEL}/language_adapters.py", "family.get(code, code) for", "code for", TEST),
    (f"{MODEL}/language_adapters.py", "len(set(found.values()))", "len(found)", TEST),
    (f"{MODEL}/language_adapters.py", "members.count(language) > 1", "members.count(language) > 2", TEST),
    (f"{MODEL}/language_adapters.py", "and family.get(name) != name]", "]", TEST),
    (f"{MODEL}/language_adapters.py", "if strange and languages", "if False", TEST),
    (f"{MODEL}/language_adapters.py", 'code.replace("-", "_")', "code", TEST),
    (f"{MODEL}/language_adapters_model.py", "self._present.owners = {}", "pass", TEST),
    (f"{MODEL}/language_adapters_model.py", "if language not in known", "if False", TEST),
    (f"{MODEL}/language_adapters_model.py", "for side in owners for each", 'for side in ["decoder"] for each', TEST),
    (
        f"{MODEL}/contract.py",
        "return self.shared_parameters() or list",
        "return self.shared_parameters() and list",
        TEST,
    ),
    (f"{MODEL}/pretrained.py", "parameter.requires_grad_(True)", "pass", "tests/model/test_contract.py"),
    (f"{MODEL}/pretrained.py", "self.adapters is not None or self.is_held_whole", "self.adapters is not None", TEST),
]
