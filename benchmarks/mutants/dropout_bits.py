"""Defects that the tests of dropout's masks from bits must notice."""

BITS, MASKS = "src/catscale/training/dropout_bits.py", "tests/training/test_dropout_bits.py"

MUTANTS = [
    (BITS, 'if device.type != "cpu":', "if False:", MASKS),
    (BITS, "    _take_warning()\n", "", MASKS),
    (BITS, "@cache\n", "", MASKS),
    (BITS, "        library._destroy()", "        _take_warning.kept = library", MASKS),
    (BITS, " if 0 < p < 1 else 0", "", MASKS),
    (BITS, "generator is not None or ", "", MASKS),
    (BITS, "not values.is_contiguous() or ", "", MASKS),
    (BITS, "not 0 < ones < LEVELS:", "not 0 < ones <= LEVELS:", MASKS),
    (BITS, "not 0 < ones < LEVELS:", "not 0 <= ones < LEVELS:", MASKS),
    (BITS, "round(p * LEVELS)", "int(p * LEVELS)", MASKS),
    (BITS, "ones - LEVELS // 2,", "ones - LEVELS // 2 - 1,", MASKS),
    (BITS, "torch.lt(words", "torch.le(words", MASKS),
    (BITS, ".random_(-(2**63), None)", ".random_()", MASKS),
    (BITS, ".random_(-(2**63), None)", ".random_(-(2**63), None, generator=torch.Generator())", MASKS),
    ("src/catscale/training/trainer.py", "with draw_masks_from_bits(self.processes.device):", "if True:", MASKS),
    (
        "src/catscale/training/trainer.py",
        """        with draw_masks_from_bits(self.processes.device):
            if is_deferred:
""",
        """        with draw_masks_from_bits(self.processes.device):
            pass
        if True:
            if is_deferred:
""",
        MASKS,
    ),
    ("src/catscale/training/pass_trial.py", "            draw_masks_from_bits(device),\n", "", MASKS),
]
