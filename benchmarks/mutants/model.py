"""Defects that the tests of architectures must notice: (file, old code, new code, test target)."""

MODEL = "src/catscale/model"
CONTRACT = "tests/model/test_contract.py"
TABLE = "tests/model/test_table.py"
TRAINING = "tests/model/test_training.py::test_the_extra_loss_counts_once_for_each_target_token"
SAVED = "tests/model/test_saved_tensors.py"
MERGING, SPLIT = "tests/model/test_merging.py", "tests/model/test_split_table.py"
ADAPTED = "tests/model/test_adapted_model.py"

TWICE = "tests/model/test_compute_twice.py"

COMPILED, COMPILING = "tests/model/test_compiled.py", "tests/training/test_compiling.py"

CARRYING, MULTIPLE = "tests/data/test_carrying.py", "tests/data/test_length_multiple.py"

MUTANTS = [
    ("src/catscale/data/carrying.py", "packed.long()", "packed", CARRYING),
    ("src/catscale/data/carrying.py", ".pin_memory()", "", CARRYING),
    (
        "src/catscale/data/joining.py",
        '"owners": self.owners}, device)',
        '"owners": self.owners * 0}, device)',
        CARRYING,
    ),
    (
        "src/catscale/data/batching.py",
        "lengths.min() + EXTRA < input_ids",
        "lengths.min() + EXTRA + 1 < input_ids",
        MULTIPLE,
    ),
    ("src/catscale/training/stream.py", "self.direction, self.multiple))", "self.direction, 1))", MULTIPLE),
    ("src/catscale/training/config.py", '1 if device == "cpu" else DEVICE_MULTIPLE', "1", MULTIPLE),
    (f"{MODEL}/compiled.py", "self._compiled if self._layer.training else", "self._compiled if True else", COMPILED),
    (f"{MODEL}/compiled.py", 'vars(layer).pop("forward", None)', "pass", COMPILED),
    (
        "src/catscale/training/pass_trial.py",
        "for _ in range(ROUNDS + 1)][1:])",
        "for _ in range(ROUNDS + 1)])",
        COMPILING,
    ),
    ("src/catscale/training/compiling.py", "if speed <= 1:", "if speed < 1:", COMPILING),
    ("src/catscale/training/compiling.py", "leave_uncompiled(trial.model)\n        raise", "raise", COMPILING),
    ("src/catscale/training/compiling.py", "if recorded is not None:", "if False:", COMPILING),
    ("src/catscale/run/compiling.py", '"compile": bool(told["used"])', '"seed": 1', "tests/run/test_compiling.py"),
    (f"{MODEL}/m2m100_model.py", "(enable or network.gradient_checkpointing_enable)(", "(lambda _: None)(", TWICE),
    (f"{MODEL}/pretrained.py", "        return self.extension is None\n", "        return True\n", TWICE),
    ("src/catscale/run/assembly.py", "if training.gradient_checkpointing:", "if False:", TWICE),
    ("src/catscale/run/config.py", "config.training.gradient_checkpointing and not", "False and not", TWICE),
    (f"{MODEL}/likelihood.py", "loss + batch.tokens * said.regulariser", "loss + said.regulariser", TRAINING),
    (f"{MODEL}/likelihood.py", "loss if said.regulariser is None else loss", "loss if True else loss", TRAINING),
    (f"{MODEL}/masked_passes.py", "padding.bool()[:, None, None, :]", "None", CONTRACT),
    (f"{MODEL}/m2m100_model.py", '"embedding": self.network.model.shared,', "", CONTRACT),
    (f"{MODEL}/transformer.py", "isinstance(each, LayerNorm)]", "False]", "tests/model/test_layer_norm.py"),
    (
        f"{MODEL}/saved_tensors.py",
        "names[0]: state[names[0]] for",
        "names[0]: -state[names[0]] for",
        CONTRACT,
    ),
    (f"{MODEL}/saved_tensors.py", "there[1:])", "there[:0])", SAVED),
    (f"{MODEL}/decoders.py", "return architecture_of(folder).decoders", "return DECODERS", TABLE),
    (f"{MODEL}/table.py", "if name not in ARCHITECTURES:", "if False:", TABLE),
    ("src/catscale/evaluation/decoding/choice.py", '"ctranslate2" in decoders and _', "_", TABLE),
    ("src/catscale/evaluation/decoding/choice.py", 'if is_needed and "ctranslate2" not in', "if False and", TABLE),
    (
        "src/catscale/training/trainer.py",
        "self.model.at_step(number, self.config.max_steps - self.progress.before)",
        "self.model.at_step(number - 1, self.config.max_steps - self.progress.before)",
        "tests/training/test_trainer.py::test_the_model_is_told_of_each_update",
    ),
    (
        "src/catscale/run/assembly.py",
        "model.compared_parameters(list(self.tasks)),",
        "model.parameters(),",
        "tests/model/test_training.py::test_a_run_compares_shared_parameters_only",
    ),
    (
        "src/catscale/data/batching.py",
        "labels, predicted, self.direction)",
        "labels, predicted, None)",
        "tests/data/test_batching.py::test_a_batch_and_its_halves_know_their_direction",
    ),
    (f"{MODEL}/merging.py", "scaling * (b @ a)", "(b @ a)", MERGING),
    (f"{MODEL}/merging.py", "moved.norm(dim=1)", "weight.norm(dim=1)", MERGING),
    (f"{MODEL}/merging.py", "removesuffix(OLD), tensor.data_ptr()", "removesuffix(OLD), id(name)", MERGING),
    (f"{MODEL}/split_table.py", "torch.where(is_new[..., None], new, old)", "old", SPLIT),
    (f"{MODEL}/split_table.py", "requires_grad=False)", "requires_grad=True)", ADAPTED),
    (
        f"{MODEL}/split_table.py",
        "(input_ids - first).clamp(min=0)",
        "(input_ids - first + 1).clamp(min=0, max=len(self.new) - 1)",
        SPLIT,
    ),
    (f"{MODEL}/adapted_model.py", "if frozen:", "if False:", ADAPTED),
    (f"{MODEL}/adapted_model.py", ".requires_grad_(trains_rows)", ".requires_grad_(True)", ADAPTED),
    (f"{MODEL}/adapters.py", "if set(self.targets) - set(FEED_FORWARD)", "if False", "tests/model/test_adapters.py"),
]
