import json
from typing import Any

import pytest

from catscale.data.direction import Direction
from catscale.errors import CatscaleError, ConfigError
from catscale.evaluation.translate import Translation, one_line
from catscale.run.commands import backtranslate as module
from catscale.run.commands.backtranslate import BackTranslation, backtranslate, choose_back, describe_maker, write_entry
from catscale.run.decoding import load_decoding

ODD = {"": "", "loop": "ha ha ha ha ha ha ha ha", "copy": "Copy", "empty": " ", "cut": "long"}
"""Lines whose translations are none."""


class Run:
    """A run whose model writes a line backwards, and may be killed after some lines."""

    def __init__(self, folder) -> None:
        self.folder, self.lives, self.seen, self.overrides = folder, 10**6, list[str](), list[str]()

    def translate(self, run, target, source, chunks, device, say, overrides):
        assert (run, target, source) == (self.folder, "az", "en")
        self.overrides = overrides
        for chunk in chunks:
            for line in chunk:
                if not self.lives:
                    raise KeyboardInterrupt
                self.lives -= 1
                self.seen.append(line)
                yield [Translation(one_line(ODD.get(line, line[::-1])), finished=line != "cut")]


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    folder = tmp_path / "run"
    (folder / "best").mkdir(parents=True)
    (folder / "best" / "model.safetensors").write_bytes(b"weights")
    (folder / "best" / "config.json").write_text("{}")
    (folder / "config.yaml").write_text("evaluation: {beam: 4}\n")
    (folder / "environment.json").write_text(json.dumps({"train_pairs": {"en-az": 5, "en-be": 3, "az-en": 2}}))
    found = Run(folder)
    monkeypatch.setattr(module, "best_folder", lambda folder, say: folder / "best")
    return found


def asked(run, out, **changes):
    return BackTranslation(**{"run": run.folder, "source": "en", "target": "az", "out": out, "tag": "bt", **changes})


def ignore(line):
    pass


def content(out):
    return {path.name: path.read_text() for path in out.glob("train.*")}


def test_a_corpus_and_its_entry(run, tmp_path):
    said: list[str] = []
    entry = backtranslate(
        asked(run, tmp_path / "out"),
        [["abc", "", "loop"], ["copy", "empty", "cut", "de\u2028f"]],
        run.translate,
        said.append,
    )
    assert content(tmp_path / "out") == {"train.az-en.az": "cba\nf ed\n", "train.az-en.en": "abc\nde f\n"}
    assert entry == (f"- {{format: moses, path: {tmp_path / 'out'}, use: [train], tag: bt, directions: [az-en]}}")
    assert said[-1] == (
        "7 lines translated, 2 pairs kept; left out: 1 blank, 1 without translation, 1 that repeat themselves, "
        "1 copied, 1 cut at the length limit"
    )


@pytest.mark.parametrize("lives", [0, 1, 3, 4, 9])
def test_it_goes_on_after_a_kill_without_a_line_twice(run, tmp_path, lives):
    chunks = [["a1", "b2", "c3"], ["loop", "d4"], ["e5", "", "f6"], ["g7", "h8"]]
    backtranslate(asked(run, tmp_path / "whole"), chunks, run.translate, ignore)
    run.lives = lives
    with pytest.raises(KeyboardInterrupt):
        backtranslate(asked(run, tmp_path / "cut"), chunks, run.translate, ignore)
    assert not list((tmp_path / "cut").glob("train.*.en"))
    run.lives, run.seen = 10**6, []
    joined = [[line for chunk in chunks for line in chunk]]  # chunks need not be the same
    backtranslate(asked(run, tmp_path / "cut"), joined, run.translate, ignore)
    assert content(tmp_path / "cut") == content(tmp_path / "whole")
    done = next(n for n in (10, 8, 5, 3, 0) if n <= lives)
    assert run.seen == joined[0][done:]


def test_done_again_it_translates_nothing_and_more_text_alone(run, tmp_path):
    out = tmp_path / "out"
    entry = backtranslate(asked(run, out), [["a1", "b2"]], run.translate, ignore)
    run.seen = []
    assert backtranslate(asked(run, out), [["a1"], ["b2"]], run.translate, ignore) == entry
    assert run.seen == []
    backtranslate(asked(run, out), [["a1", "b2", "c3"]], run.translate, ignore)
    assert run.seen == ["c3"]
    assert content(out)["train.az-en.en"] == "a1\nb2\nc3\n"


@pytest.mark.parametrize("chunks", [[["a1", "x"]], [["a1"]], []])
def test_other_text_is_refused(run, tmp_path, chunks):
    backtranslate(asked(run, tmp_path / "out"), [["a1", "b2"]], run.translate, ignore)
    with pytest.raises(ConfigError, match="the first 2 lines of the input are not those that were translated"):
        backtranslate(asked(run, tmp_path / "out"), chunks, run.translate, ignore)


def test_nothing_that_is_a_translation(run, tmp_path):
    with pytest.raises(CatscaleError, match=r"no translation of .* is one, so that .*out holds no pair"):
        backtranslate(asked(run, tmp_path / "out"), [["loop", "copy"]], run.translate, ignore)


def test_the_direction():
    known = [Direction.parse(name) for name in ("en-az", "en-pt_BR", "az-en")]
    request: Any = BackTranslation
    assert choose_back(request("run", "az", None, "out", "bt"), known) == Direction("az", "en")
    assert choose_back(request("run", "en", "pt-BR", "out", "bt"), known) == Direction("en", "pt_BR")
    with pytest.raises(ConfigError, match="run has several directions from 'en'; it has en-az, en-pt_BR; choose one"):
        choose_back(request("run", "en", None, "out", "bt"), known)
    with pytest.raises(ConfigError, match="run has no direction from 'az' to 'ru'; it has az-en, en-az, en-pt_BR"):
        choose_back(request("run", "az", "ru", "out", "bt"), known)


def test_what_decides_the_text_is_its_maker(run, tmp_path):
    best, settings = run.folder / "best", load_decoding(run.folder).evaluation
    maker = describe_maker(best, settings, Direction("en", "az"))
    assert maker["settings"]["beam"] == 4
    one = load_decoding(run.folder, ["evaluation.beam=1"]).evaluation
    other = describe_maker(best, one, Direction("en", "az"))
    assert other["settings"] == {**maker["settings"], "beam": 1}
    backtranslate(asked(run, tmp_path / "out"), [["a1"]], run.translate, ignore)
    (run.folder / "best" / "model.safetensors").write_bytes(b"others")
    with pytest.raises(ConfigError, match="by another model"):
        backtranslate(asked(run, tmp_path / "out"), [["a1"]], run.translate, ignore)


def progress(out) -> dict[str, Any]:
    return json.loads((out / ".progress.az-en.json").read_text())["settings"]


def test_a_precision_left_open_is_settled_and_on_record(run, tmp_path):
    backtranslate(asked(run, tmp_path / "out", device="cpu"), [["a1"]], run.translate, ignore)
    assert progress(tmp_path / "out")["precision"] == "float32"
    backtranslate(asked(run, tmp_path / "out", device="cpu"), [["a1", "b2"]], run.translate, ignore)
    assert (run.seen, run.overrides) == (["a1", "b2"], ["evaluation.precision=float32"])


def test_a_precision_left_open_is_what_the_corpus_was_begun_with(run, tmp_path):
    begun = ["evaluation.precision=int8"]
    backtranslate(asked(run, tmp_path / "out", overrides=begun), [["a1"]], run.translate, ignore)
    beam = ["evaluation.beam=4"]  # as it is
    backtranslate(asked(run, tmp_path / "out", overrides=beam), [["a1", "b2"]], run.translate, ignore)
    assert (run.seen, run.overrides) == (["a1", "b2"], [*beam, *begun])
    assert progress(tmp_path / "out")["precision"] == "int8"
    asking = asked(run, tmp_path / "out", overrides=["evaluation.precision=float32"])
    with pytest.raises(ConfigError, match=r"by another settings: .*'precision': 'int8'.* there, .*'float32'.* now"):
        backtranslate(asking, [["a1", "b2"]], run.translate, ignore)
    with pytest.raises(ConfigError, match=r"by another settings: .*'beam': 4.* there, .*'beam': 2"):
        backtranslate(asked(run, tmp_path / "out", overrides=["evaluation.beam=2"]), [["a1"]], run.translate, ignore)


def test_odd_names_are_quoted(tmp_path):
    entry = write_entry(tmp_path / "a, b: c", "no", [Direction("no", "en")])
    assert entry.startswith(f"- {{format: moses, path: '{tmp_path}/a, b: c', use: [train], tag: ")
