"""Defects that the tests of sub-networks and of trainings in stages must notice: (file, old code, new code, test)."""

MODEL, RUN, TRAINING = "src/catscale/model", "src/catscale/run", "src/catscale/training"
MASKS, NETWORKS = "tests/model/test_masks.py", "tests/model/test_subnetworks.py"
STAGES, BEGINNING = "tests/run/test_stages.py", "tests/training/test_beginning.py"

MUTANTS = [
    (f"{MODEL}/masks.py", ".abs().flatten().argsort(stable=True)", ".flatten().argsort(stable=True)", MASKS),
    (f"{MODEL}/masks.py", "kept[order[: int(rate", "kept[order.flip(0)[: int(rate", MASKS),
    (f"{MODEL}/masks.py", "argsort(stable=True)", "flip(0).argsort(stable=True)", MASKS),
    (f"{MODEL}/masks.py", "(byte >> bit) & 1", "(byte >> (7 - bit)) & 1", MASKS),
    (f"{MODEL}/masks.py", "(kept @ kept.T).long()", "(kept @ (1 - kept).T).long()", MASKS),
    (f"{MODEL}/masks.py", "length = min(CHUNK, numbers - start)", "length = min(CHUNK, 8 * part.shape[1])", MASKS),
    (f"{MODEL}/masked_linear.py", "return self.weight * self.kept(row)", "return self.weight", NETWORKS),
    (
        f"{MODEL}/masked_linear.py",
        "Parameter(self.masked(row)), self.bias",
        "Parameter(self.masked(0)), self.bias",
        NETWORKS,
    ),
    (f"{MODEL}/masked_linear.py", "self.masks[row] = pack(kept)", "self.masks[:] = pack(kept)", NETWORKS),
    (f"{MODEL}/subnetworks_model.py", "keep_largest(tuned.network", "keep_largest(self.base.network", NETWORKS),
    (
        f"{MODEL}/subnetworks_model.py",
        "self._choices[side].row = rows[side]",
        'self._choices[side].row = rows["decoder"]',
        NETWORKS,
    ),
    (f"{MODEL}/subnetworks_model.py", "fold_masks(layers_of(made, side), rows[side])", "pass", NETWORKS),
    (
        f"{MODEL}/subnetworks_model.py",
        "counts / counts.diagonal().clamp(min=1)[:, None]",
        "counts / counts.sum(1)[:, None]",
        NETWORKS,
    ),
    (
        f"{MODEL}/subnetworks_model.py",
        "        self._overlap = None\n        return super()",
        "        return super()",
        NETWORKS,
    ),
    (f"{MODEL}/subnetworks.py", "each + (place < more)", "each + (place <= more)", NETWORKS),
    (f"{MODEL}/subnetworks.py", 'update={"dropout": self.fine_tune_dropout}', "update={}", NETWORKS),
    (f"{MODEL}/subnetworks.py", "tuning < number or first", "first", NETWORKS),
    (f"{MODEL}/saved_tensors.py", "(PACKED if name in packed else DTYPES)", "(*PACKED, *DTYPES)", NETWORKS),
    (
        "src/catscale/data/direction.py",
        "pivot = min(starts & ends, default=None)",
        "pivot = max(starts | ends, default=None)",
        "tests/data/test_direction.py",
    ),
    (f"{TRAINING}/beginning.py", "tokens=self.tokens, before=self.steps", "tokens=self.tokens", BEGINNING),
    (f"{TRAINING}/state.py", "return self.step - self.before", "return self.step", BEGINNING),
    (f"{TRAINING}/trainer.py", "self.config.max_steps - self.progress.before)", "self.config.max_steps)", BEGINNING),
    (f"{TRAINING}/records/reporter.py", "optimizer.rate(self.progress.update)", "optimizer.rate(step)", BEGINNING),
    (
        f"{TRAINING}/checkpointing/storage.py",
        "if self.beginning.model is not None:",
        "if self.beginning.model is None:",
        BEGINNING,
    ),
    (f"{RUN}/stages.py", "if stage.name in done:", "if not stage.name:", STAGES),
    (
        f"{RUN}/stages.py",
        "if stage.after is None else Beginning(self._best(stage.after))",
        "if True else FROM_NOTHING",
        STAGES,
    ),
    (f"{RUN}/stages.py", "if plan.max_steps != steps:", "if plan.max_steps > steps:", STAGES),
    (f"{RUN}/stages.py", "spent = [done[stage.name] for stage in self.stages]", "spent = [*done.values()][:1]", STAGES),
    (f"{RUN}/stages.py", '("model.safetensors",)) is not None:', '("model.safetensors",)) is None:', STAGES),
    (f"{RUN}/stage_course.py", "optimizer.warmup_steps * steps / total", "optimizer.warmup_steps", STAGES),
    (f"{RUN}/stage_course.py", '"total_steps": None}', '"total_steps": total}', STAGES),
    (f"{RUN}/stage_course.py", "left = config.training.max_steps - before", "left = config.training.max_steps", STAGES),
    (f"{RUN}/stage_course.py", "max(warmup, min(1, optimizer.warmup_steps))", "warmup", STAGES),
    (
        f"{RUN}/assembly.py",
        "list(self.store.directions) if self.only is None",
        "list(self.store.directions) if True",
        STAGES,
    ),
]
