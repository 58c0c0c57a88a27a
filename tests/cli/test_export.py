"""`catscale export` through the command line, over a trained run: both formats, the card, the lines of the page."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from catscale.cli.main import main
from catscale.system.writing.manifest import find_damage
from tests.cli.toy import write_config, write_corpus
from tests.pages import ROOT, read_blocks

ctranslate2 = pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed")
PAGE = ROOT / "docs" / "export.md"
SENTENCE = "the big cat sees"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run that ends its sentences and was evaluated; as far as its record tells, from a model under a licence."""
    root = tmp_path_factory.mktemp("export")
    corpus = write_corpus(root / "corpus", "moses", {"az": 400, "be": 100}, dev=15, test=10)
    config = write_config(root / "toy.yaml", corpus, root / "store", evaluation={"max_length": 12})
    assert main(["train", str(config), "--out", str(root / "run"), "--set", "training.max_steps=80"]) == 0
    assert main(["evaluate", str(root / "run")]) == 0
    path = root / "run" / "environment.json"
    base = {"path": "/models/nllb-mine", "licence": "cc-by-nc-4.0", "licence_files": ["LICENSE"]}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base": base}))
    (root / "run" / "licence").mkdir()
    (root / "run" / "licence" / "LICENSE").write_text("Not for commerce.")
    return root / "run"


@pytest.fixture(scope="module")
def exported(run) -> Path:
    """The folder of three exported models."""
    for name, options in {
        "model-hf": ["--format", "hf"],
        "model-int8": ["--format", "ctranslate2", "--quantization", "int8"],
        "model": ["--format", "ctranslate2", "--check", "6"],
    }.items():
        assert main(["export", str(run), *options, "--out", str(run.parent / name)]) == 0
    return run.parent


def by_transformers(folder: Path, beams: int) -> list[list[int]]:
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, src_lang="__en__")
    tag = tokenizer.convert_tokens_to_ids("__az__")
    inputs: Any = tokenizer([SENTENCE], return_tensors="pt")
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    found = model.generate(**inputs, forced_bos_token_id=tag, num_return_sequences=beams, early_stopping=True)
    return [[i for i in ids[2:] if i not in (1, 2)] for ids in found.tolist()]


def test_transformers_alone_and_ctranslate2_give_the_same_five_best(exported):
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(exported / "model" / "tokenizer.json"))
    source = ["__en__", *tokenizer.encode(SENTENCE, add_special_tokens=False).tokens, "</s>"]
    result = ctranslate2.Translator(str(exported / "model")).translate_batch(
        [source], target_prefix=[["__az__"]], beam_size=5, num_hypotheses=5, min_decoding_length=2,
        max_decoding_length=14,
    )[0]  # fmt: skip
    found = [[tokenizer.token_to_id(token) for token in tokens[1:]] for tokens in result.hypotheses]
    assert found == by_transformers(exported / "model-hf", 5)
    assert len(found) == 5


def test_the_page_s_lines_translate_as_the_run_does(exported, run, cli, tmp_path, monkeypatch, capsys):
    (tmp_path / "in").write_text(f"{SENTENCE}\n")
    monkeypatch.chdir(exported)
    for title, precision in {"serve.py": "int8", "use.py": "float32"}.items():
        (block,) = [block for block in read_blocks(PAGE) if block.title == title]
        capsys.readouterr()
        exec(compile(block.text, title, "exec"), {})
        found = capsys.readouterr().out
        settings = ("--set", f"evaluation.precision={precision}")
        assert found == cli("translate", run, "--to", "az", "--input", tmp_path / "in", *settings).out
        assert len(found.strip()) > 1


def test_what_is_served_needs_no_pytorch(exported):
    (block,) = [block for block in read_blocks(PAGE) if block.title == "serve.py"]
    assert len([line for line in block.text.splitlines() if line and not line.startswith("import")]) == 5
    program = f"{block.text}\nimport sys; print(sorted({{'torch', 'transformers', 'catscale'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=exported, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_card_says_what_it_is_and_where_it_is_from(exported, run):
    for name, library in {"model-hf": "transformers", "model-int8": "ctranslate2"}.items():
        _, front, text = (exported / name / "README.md").read_text().split("---\n", 2)
        found = yaml.safe_load(front)
        assert (found["license"], found.get("base_model")) == ("cc-by-nc-4.0", None)
        assert "started from `nllb-mine`" in text
        assert (found["pipeline_tag"], found["library_name"]) == ("translation", library)
        assert found["language"] == ["en", "az", "be"]
        assert (exported / name / "LICENSE").read_text() == "Not for commerce."
        scores = json.loads((run / "scores.json").read_text())
        sizes = json.loads((run / "environment.json").read_text())["train_pairs"]
        row = scores["en-az"]
        assert f"| en-az | {sizes['en-az']} | {row['nll']:.3f} | {row['bleu']['score']:.1f} |" in text
        assert f"- BLEU: `{row['bleu']['signature']}`" in text
        assert f'"{name}' in text
        assert "whose licence is cc-by-nc-4.0, whose text is beside this file (`LICENSE`)" in text
    assert "all of 20 sentences are translated as by the run" in (exported / "model-hf" / "README.md").read_text()
    assert "all of 6 sentences" in (exported / "model" / "README.md").read_text()


def test_the_folders_hold_what_their_programs_need_and_are_whole(exported):
    tokenizer = {"tokenizer.json", "tokenizer_config.json", "sentencepiece.bpe.model"}
    always = {"README.md", "LICENSE", "manifest.json", "config.json", *tokenizer}
    for name, own in {
        "model-hf": {"model.safetensors", "generation_config.json"},
        "model-int8": {"model.bin", "shared_vocabulary.json"},
    }.items():
        assert {path.name for path in (exported / name).iterdir()} == always | own
        assert find_damage(exported / name) is None
    assert (exported / "model-hf" / "model.safetensors").stat().st_nlink == 1
    sizes = [(exported / name / "model.bin").stat().st_size for name in ("model-int8", "model")]
    assert sizes[0] < 0.8 * sizes[1]


def test_progress_and_the_outcome_are_said_and_the_place_printed(run, cli, tmp_path):
    done = cli("export", run, "--format", "ctranslate2", "--quantization", "int8", "--out", tmp_path / "made")
    assert done.status == 0
    assert done.out == f"{tmp_path / 'made'}\n"
    assert "writing the model: CTranslate2, int8" in done.err
    assert "comparing translations of 20 sentences with the run's" in done.err
    assert "sentences" in done.err.splitlines()[-2]


def test_mistakes_leave_nothing(run, cli, tmp_path, monkeypatch):
    out = tmp_path / "made"
    command = ("export", run, "--out", out, "--format")
    assert (
        "--quantization is one of CTranslate2's, found int8 with --format hf"
        in cli(*command, "hf", "--quantization", "int8").message
    )
    assert cli("export", tmp_path, "--out", out, "--format", "hf").status == 2

    def translate_wrongly(tags, lines):
        return ["no"] * len(lines)

    monkeypatch.setattr("catscale.run.exporting.equality.load_exported", lambda *given: translate_wrongly)
    refused = cli(*command, "hf")
    assert refused.status == 2
    assert "20 of 20 sentences are translated otherwise than by the run, where all should be equal" in refused.message
    assert list(tmp_path.iterdir()) == []
    assert cli(*command, "ctranslate2", "--quantization", "int16").status == 0  # rounded: it is said
    again = cli(*command, "hf")
    assert again.status == 2
    assert "is not empty: it holds 'LICENSE'; an exported model replaces nothing" in again.message
    with pytest.raises(SystemExit) as stop:
        main(["export", str(run), "--format", "onnx", "--out", str(out)])
    assert stop.value.code == 2
