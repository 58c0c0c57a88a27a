"""Whatever a file holds, it is read, or one message of ours says what is wrong with it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import strategies as st

from catscale.errors import CheckpointError, ConfigError
from catscale.run.config import RunConfig, dump_config, load_config
from catscale.run.folder.readback import read_environment, read_scores
from catscale.run.folder.run_folder import load_run, open_folder
from catscale.system.reading.json_file import parse_json
from catscale.system.reading.yaml_file import dump_yaml, parse_yaml
from catscale.system.writing.manifest import write_manifest
from catscale.training.checkpointing.checkpoint import load_checkpoint, save_checkpoint
from catscale.training.records.metrics_file import find_best_step, read_metrics
from tests.faults.changed_files import json_values, mutated, one_of, read_or_told, swapped, swapped_json, write_all
from tests.faults.fuzzing import SECONDS, explore
from tests.faults.pretrained_folders import nllb_folders, saved_vocabularies, sentencepiece_folders

HOSTILE = Path(__file__).parents[1] / "hostile"
GOOD = """\
data: {format: moses, path: x, source: en, targets: all}
vocabulary: {size: 100}
sampling: {temperature: 5}
balancing: {method: cats, inner_steps: 2}
model: {preset: tiny}
optimizer: {betas: [0.9, 0.98]}
training: {max_steps: 10, learning_rate: 0.1, seed: 1}
"""
PIECES = (
    "data:", "training:", "{", "}", "[", "]", ": ", ", ", "\n", "\n  ", "- ", "&a ", "*a", "!!int ", "!!float ", "<<: ",
    "? ", "| ", "> ", "'", '"', "#", "%", "---\n", "null", "true", "no", "1", "-1", ".nan", ".inf", "1e400", "0x1F",
    "2020-13-45", "9" * 400, "method: cats", "method: fixed", "seed: ", "temperature: ", "path: ",
    "\\uD800", "\0", "\t",
)  # fmt: skip
yaml_texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=25).map("".join)


def check_config(path: Path, overrides: list[str] | None = None) -> None:
    """A configuration loads and is then written and loaded again as it is, or is refused."""
    config = read_or_told(lambda: load_config(path, overrides or []), ConfigError)
    if isinstance(config, RunConfig):
        again = path.with_name("again.yaml")
        again.write_text(dump_config(config), encoding="utf-8")
        assert dump_config(load_config(again)) == dump_config(config)


@pytest.mark.parametrize("path", sorted((HOSTILE / "config").iterdir()), ids=lambda path: path.stem)
def test_hostile_configurations(path, tmp_path):
    shutil.copyfile(path, tmp_path / "config.yaml")
    with pytest.raises(ConfigError):
        load_config(tmp_path / "config.yaml")
    with pytest.raises(ConfigError):
        load_run(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    with pytest.raises(ConfigError):
        open_folder(tmp_path, load_config(tmp_path / "good.yaml"))


def configurations(tmp_path: Path, seconds: float | None) -> int:
    path = tmp_path / "fuzz.yaml"

    inputs = yaml_texts.map(lambda t: t.encode(errors="replace")) | mutated(GOOD.encode()) | st.binary(max_size=40)

    def check(content: bytes) -> None:
        path.write_bytes(content)
        check_config(path)

    return explore(check, inputs, seconds)


def overrides(tmp_path: Path, seconds: float | None) -> int:
    path = tmp_path / "fuzz.yaml"
    path.write_text(GOOD)
    keys = st.sampled_from(
        ["training.seed", "training", "balancing.method", "data.path", "sampling.temperature", "model.width", ""]
    )
    texts = keys.flatmap(lambda key: yaml_texts.map(lambda value: f"{key}={value}")) | st.text(max_size=20)

    inputs = st.lists(texts, max_size=3)

    def check(found: list[str]) -> None:
        check_config(path, found)

    return explore(check, inputs, seconds)


def metrics_files(tmp_path: Path, seconds: float | None) -> int:
    path = tmp_path / "metrics.jsonl"
    good = b'{"kind": "valid", "step": 2, "nll": {"en-xa": 1.5}, "mean": 1.5}\n{"kind": "train", "step": 3}\n'
    values = st.lists(json_values, max_size=4).map(lambda found: "\n".join(map(json.dumps, found)).encode())

    inputs = mutated(good) | values | st.binary(max_size=60)

    def check(content: bytes) -> None:
        path.write_bytes(content)
        records = read_or_told(lambda: read_metrics(path), CheckpointError)
        if records is not None:
            assert all(isinstance(record, dict) for record in records)
            find_best_step(records)

    return explore(check, inputs, seconds)


def scores_and_environments(tmp_path: Path, seconds: float | None) -> int:
    from catscale.run.folder.readback import run_directions

    good = json.dumps({"data_fingerprint": "abc", "train_pairs": {"en-xa": 3}, "continued_by": [{"step": 1}]}).encode()

    inputs = mutated(good) | json_values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)

    def check(content: bytes) -> None:
        for name in ("scores.json", "environment.json"):
            (tmp_path / name).write_bytes(content)
        for read in (read_scores, read_environment):
            found = read_or_told(partial(read, tmp_path), CheckpointError)
            assert found is None or isinstance(found, dict)
        read_or_told(lambda: run_directions(tmp_path), CheckpointError)

    return explore(check, inputs, seconds)


def small_checkpoint(folder: Path) -> Path:
    from safetensors.torch import save_file

    content = {"progress": {"step": 1, "best": None}, "random": {"0": {"cpu": torch.arange(9)}}, "metrics_size": 3}
    return save_checkpoint(
        folder, 1, lambda to: save_file({"w": torch.ones(3)}, to / "model.safetensors"), content, keep=1
    )


def checkpoints(tmp_path: Path, seconds: float | None) -> int:
    """With the old checksums, by which everything is found; and with new ones, as if somebody had made the file."""
    path = small_checkpoint(tmp_path / "checkpoints")
    originals = {file.name: file.read_bytes() for file in path.iterdir()}
    changes = one_of(originals, lambda content: mutated(content) | st.binary(max_size=30))

    inputs = st.tuples(changes, st.booleans())

    def check(found: tuple[tuple[str, bytes], bool]) -> None:
        change, is_listed = found
        name, content = change
        write_all(path, originals, change)
        if is_listed and name != "manifest.json":
            write_manifest(path)
            read_or_told(lambda: load_checkpoint(path), CheckpointError)
        elif content != originals[name] and (name != "manifest.json" or json_differs(content, originals[name])):
            with pytest.raises(CheckpointError):
                load_checkpoint(path)

    return explore(check, inputs, seconds)


def json_differs(left: bytes, right: bytes) -> bool:
    """Whether two files do not say the same: blanks count for nothing."""
    try:
        return bool(json.loads(left) != json.loads(right))
    except (ValueError, RecursionError):
        return True


def json_and_yaml(tmp_path: Path, seconds: float | None) -> int:
    """Whatever the text, it is read within its limits or refused with a ValueError; YAML is written as it was read."""

    def check(content: bytes) -> None:
        for parse in (parse_json, lambda found: parse_yaml(found.decode("utf-8"))):
            try:
                found = parse(content)
            except ValueError:
                continue
            if isinstance(found, dict | list):
                assert repr(parse_yaml(dump_yaml(found))) == repr(found)

    structured = json_values.map(lambda value: json.dumps(value).encode())
    inputs = structured | yaml_texts.map(lambda t: t.encode(errors="replace")) | mutated(GOOD.encode()) | st.binary()
    return explore(check, inputs, seconds)


CURVATURE = {"lambda_max": 1.5, "converged": True, "iterations": 3, "trace": 2.0}
ANALYSIS = {
    "step": 5, "curvature": {"en-xa": CURVATURE}, "total": CURVATURE | {"weights": {"en-xa": 1.0}},
    "similarity": {"direction": {"all": {"en-xa|en-xb": 0.5}}}, "settings": {"split": "train"},
    "similarity_by_resource": {"direction": {"all": {"high-low": {"mean": 0.5, "error": None, "pairs": 1}}}},
    "gradient_norms": {"en-xa": 1.0}, "seconds": {"trace": 1.0}, "history": [],
}  # fmt: skip
METRIC = {"score": 10.5, "signature": "s"}
SCORES = {
    "en-xa": {"nll": 2.5, "bleu": METRIC, "chrf": METRIC, "sentences": 5}, "averages": {"all": None},
    "evaluation": {"split": "test", "settings": {"chrf_word_order": 0}, "train_pairs": {"en-xa": 3},
                   "resource_groups": {"en-xa": "mid"}, "bleu_tokenizers": {"en-xa": "13a"}, "step": 5},
}  # fmt: skip
ENVIRONMENT = {
    "data_fingerprint": "0" * 64, "train_pairs": {"en-xa": 3}, "packages": {"torch": "2"}, "seed": 1,
    "continued_by": [{"step": 3, "commit": "a"}],
}  # fmt: skip
MODEL = {
    "model_type": "m2m_100", "architectures": ["M2M100ForConditionalGeneration"], "vocab_size": 50, "d_model": 16,
    "max_position_embeddings": 64, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8, "pad_token_id": 1, "bos_token_id": 0,
    "eos_token_id": 2, "decoder_start_token_id": 2, "auto_map": {"a": "b"},
}  # fmt: skip
LOCK = {"name": "f", "url": "http://a.b/f", "bytes": 3, "sha256": "0" * 64, "checked": "first use", "modified": 5}


def files_of_a_run(tmp_path: Path, seconds: float | None) -> int:
    """Files of the right form and the wrong shape."""
    from catscale.analysis.analysis_file import read_records
    from catscale.model.saved_config import read_saved_config
    from catscale.recipes.first_use import read_lock
    from catscale.run.folder.readback import run_directions
    from catscale.training.checkpointing.best_step import read_step

    readers: dict[str, tuple[Any, Callable[[], Any]]] = {
        "scores.json": (SCORES, lambda: read_scores(tmp_path)),
        "environment.json": (ENVIRONMENT, lambda: (read_environment(tmp_path), run_directions(tmp_path))),
        "analysis.json": (ANALYSIS, lambda: read_records(tmp_path / "analysis.json")),
        "step.json": ({"step": 5}, lambda: read_step(tmp_path)),
        "config.json": (MODEL, lambda: read_saved_config(tmp_path)),
        "f.lock.json": (LOCK, lambda: read_lock(tmp_path / "f", "f")),
    }
    for name, (good, read) in readers.items():
        (tmp_path / name).write_text(json.dumps(good))
        assert read() is not None
    goods = {name: good for name, (good, _) in readers.items()}
    inputs = one_of(goods, lambda good: swapped_json(good) | mutated(json.dumps(good).encode()))

    def check(found: tuple[str, bytes]) -> None:
        name, content = found
        (tmp_path / name).write_bytes(content)
        read_or_told(readers[name][1], CheckpointError)

    return explore(check, inputs, seconds)


def stores(tmp_path: Path, seconds: float | None) -> int:
    """Manifests of token stores with the right checksum, as if somebody had made them."""
    from catscale.data.store.manifest_schema import ENDS
    from catscale.data.store.store import Store
    from catscale.errors import DataError
    from catscale.system.writing.manifest import checksum

    for end in ENDS:
        (tmp_path / f"train.en-xa.{end}").write_bytes(b"")
    files = {path.name: checksum(path) for path in tmp_path.iterdir()}
    good = {
        "format": 2, "fingerprint": "0" * 64, "directions": ["en-xa"], "zero_shot": [], "vocabulary_size": 9,
        "statistics": {"en-xa": {"train": {"read": 3, "kept": 2, "dropped": {"empty": 1}}}}, "files": files,
    }  # fmt: skip

    def check(manifest: Any) -> None:
        if isinstance(manifest, dict):
            text = json.dumps(manifest, sort_keys=True)
            manifest = {**manifest, "checksum": hashlib.sha256(text.encode()).hexdigest()}
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        store = read_or_told(lambda: Store.open(tmp_path), DataError)
        if store is not None:
            assert all(path.parent == tmp_path for path in map(tmp_path.joinpath, map(str, store.directions)))

    check(good)
    assert Store.open(tmp_path).has_split("train", Store.open(tmp_path).directions[0])
    return explore(check, swapped(good), seconds)


def comparisons(tmp_path: Path, seconds: float | None) -> int:
    """Two runs, of one of which one value of one file is another, are compared or refused."""
    from catscale.comparison.compare import Question, compare_runs
    from catscale.report.history import read_run as read_history
    from catscale.run.folder.evaluated import read_run
    from tests.comparison.fakes import write_run

    runs = [
        write_run(
            tmp_path / str(temperature),
            sentences=6,
            sizes={"en-xa": 50, "en-xb": 900},
            sampling={"temperature": temperature},
        )
        for temperature in (1, 5)
    ]
    (runs[0] / "analysis.json").write_text(json.dumps(ANALYSIS))
    originals = {name: (runs[0] / name).read_text() for name in ("scores.json", "environment.json", "analysis.json")}
    records = (runs[0] / "metrics.jsonl").read_text().splitlines()
    inputs = one_of(originals, lambda text: swapped(json.loads(text)).map(json.dumps)) | st.tuples(
        st.just("metrics.jsonl"),
        swapped(json.loads(records[-1])).map(lambda new: "\n".join([*records, json.dumps(new), records[0], ""])),
    )

    def check(found: tuple[str, str]) -> None:
        name, content = found
        (runs[0] / name).write_text(content)
        try:
            question = Question(resamples=5, force=True)
            read_or_told(lambda: compare_runs([read_run(run, "test") for run in runs], question))
            read_or_told(lambda: read_history("a", 1, runs[0]))
        finally:
            original = originals.get(name, "\n".join([*records, ""]))
            (runs[0] / name).write_text(original)

    return explore(check, inputs, seconds)


SEARCHES = [
    configurations, overrides, metrics_files, scores_and_environments, checkpoints, json_and_yaml, files_of_a_run,
    stores, comparisons, nllb_folders, sentencepiece_folders, saved_vocabularies,
]  # fmt: skip


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.__name__)
def test_anything(search, tmp_path):
    assert search(tmp_path, None) >= 20


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.__name__)
def test_anything_for_long(search, tmp_path, record):
    tried = search(tmp_path, SECONDS)
    record(f"{search.__name__.replace('_', ' ')}, any bytes for {SECONDS:.0f} s", tried, "read, or one message")


READ = {"nul_at_the_end": 1, "cut": 1, "separator": 1, "empty": 0}
READ |= {"valid_without_mean": 1}


@pytest.mark.parametrize("path", sorted((HOSTILE / "metrics").iterdir()), ids=lambda path: path.stem)
def test_hostile_metrics(path):
    expected = READ.get(path.stem)
    if expected is not None:
        records = read_metrics(path)
        assert len(records) == expected
        assert find_best_step(records, "en-xa") is None
        return
    line = 2 if path.stem in ("middle", "nul", "not_utf8") else 1
    with pytest.raises(CheckpointError, match=rf"{path.stem}\.jsonl, line {line} is not a record \(.*\), found "):
        read_metrics(path)


@pytest.mark.parametrize("path", sorted((HOSTILE / "manifest").iterdir()), ids=lambda path: path.stem)
def test_hostile_manifests(path, tmp_path):
    checkpoint = small_checkpoint(tmp_path)
    shutil.copyfile(path, checkpoint / "manifest.json")
    with pytest.raises(CheckpointError, match="step-1 is damaged: "):
        load_checkpoint(checkpoint)


STRANGE = [
    {"progress": {"step": 1, "surprise": 2}}, {"progress": [1]}, {"stream": {}}, {"sampler": {}},
    {"stream": {"en-xa": 5, "en-xb": "x"}}, {"optimizer": {"x": {}}}, {"metrics_size": "x"},
]  # fmt: skip


def strange_run(trained: Path, tmp_path: Path, change: dict[str, Any]) -> Path:
    """A run whose newest checkpoint was changed and has the right checksums: somebody made it, or another version."""
    run = shutil.copytree(trained, tmp_path / "run")
    checkpoint = run / "checkpoints" / "step-6"
    state = json.loads((checkpoint / "state.json").read_text())
    (checkpoint / "state.json").write_text(json.dumps(state | change))
    write_manifest(checkpoint)
    return run


@pytest.mark.parametrize("change", STRANGE, ids=str)
def test_a_checkpoint_whose_content_is_not_ours(trained, tmp_path, capsys, change):
    from catscale.cli.main import main

    run = strange_run(trained, tmp_path, change)
    assert main(["train", str(run / "config.yaml"), "--out", str(run)]) == 2
    said = capsys.readouterr().err
    assert f"catscale: checkpoint {run / 'checkpoints' / 'step-6'} does not fit this run (" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("name", ["optimizer", "balancer", "random"])
def test_a_checkpoint_whose_tensors_have_no_place(trained, tmp_path, capsys, name):
    from catscale.cli.main import main

    run = strange_run(trained, tmp_path, {name: 3})
    assert main(["train", str(run / "config.yaml"), "--out", str(run)]) == 0
    said = capsys.readouterr().err
    assert "step-6 cannot be read (" in said
    assert "continuing at step 4" in said


def test_the_yaml_of_a_config_is_never_an_object(tmp_path):
    mark = tmp_path / "EXECUTED"
    (tmp_path / "c.yaml").write_text(f"a: !!python/object/apply:os.mkdir ['{mark}']\n")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        load_config(tmp_path / "c.yaml")
    (tmp_path / "c.yaml").write_text(GOOD)
    with pytest.raises(ConfigError, match="is not valid YAML"):
        load_config(tmp_path / "c.yaml", [f"training.seed=!!python/object/apply:os.mkdir ['{mark}']"])
    assert not mark.exists()
