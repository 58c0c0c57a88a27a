"""Every example runs as a reader would run it, and says what its text claims."""

import re
from pathlib import Path

import pytest

from tests.forked import start_program

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, *arguments: str) -> str:
    code = f"import runpy; runpy.run_path({str(EXAMPLES / name)!r}, run_name='__main__')"
    ended = start_program(code, *arguments).finish()
    assert ended.status == 0, ended.err
    assert not ended.err
    return ended.out


def test_two_quadratics() -> None:
    lines = run("two_quadratics.py").splitlines()
    equal, cats = (
        [line for line in lines if re.match(rf"step size \S+\s+{name}\b", line)] for name in ("equal", "CATS")
    )
    assert "diverged" in equal[-1]
    assert not any("diverged" in line for line in [*equal[:-1], *cats])
    for one, two in zip(equal[:-1], cats, strict=False):
        assert number("weights: sharp", two) < number("weights: sharp", one)
        assert number("flat", two) < number("flat", one)
        assert number("sum", two) > number("sum", one)


def number(after: str, line: str) -> float:
    return float(re.search(rf"{after} (\d+\.\d+)", line).group(1))


def test_multitask_network() -> None:
    output = run("multitask_network.py")
    cats = output[output.index("CATS") :]
    weights = [float(found) for found in re.findall(r"last weight (\S+)", cats)]
    assert sum(weights) == pytest.approx(1, abs=0.01)
    errors = [float(found) for found in re.findall(r"(?:large|small|loud)\s+(\d+\.\d+) \(", output)]
    assert len(errors) == 6
    assert all(error < 30 for error in errors)


def test_plain_loop() -> None:
    correct = [float(found) for found in re.findall(r"(\d+\.\d)% of the digits right", run("plain_loop.py"))]
    assert len(correct) == 3
    assert min(correct) > 80
    source = (EXAMPLES / "plain_loop.py").read_text(encoding="utf-8")
    assert re.findall(r"  # (\d): (?:new|was)", source) == ["1", "2", "3"]


def test_finetune_nllb_makes_a_folder_that_it_can_start_from(tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="the Trainer needs accelerate: pip install 'catscale[hf]'")
    first = run("finetune_nllb.py", "--out", str(tmp_path / "one"))
    pairs = re.findall(r"\w+_Latn: '.*' becomes '(.*)', the reference is '(.*)'", first)
    assert len(pairs) == 4
    assert "vocabulary: added: 20 pieces, nds_Latn (like the mean of all tags)" in first
    assert sum(found == reference for found, reference in pairs) >= 2
    again = ["--steps", "2", "--learning-rate", "1e-5", "--out", str(tmp_path / "two")]
    second = run("finetune_nllb.py", str(tmp_path / "one"), *again)
    assert re.findall(r"becomes .*", second) == re.findall(r"becomes .*", first)
    assert {"model.safetensors", "tokenizer.json"} <= {path.name for path in (tmp_path / "two").iterdir()}


def test_lightning_module() -> None:
    pytest.importorskip("lightning", reason="pip install lightning to run its example (11 packages, so not in [dev])")
    output = run("lightning_module.py")
    assert "resumed training equals the uninterrupted one" in output
    losses = [float(found) for found in re.findall(r"loss (\d+\.\d+)", output)]
    assert len(losses) == 3
    assert max(losses) < 0.5


def test_every_example_is_run_here() -> None:
    names = {path.name for path in EXAMPLES.glob("*.py")}
    source = Path(__file__).read_text(encoding="utf-8")
    assert names
    assert all(f'run("{name}"' in source for name in names)
