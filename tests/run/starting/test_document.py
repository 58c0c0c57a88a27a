import dataclasses
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.corpus_statistics.parts import FolderParts
from catscale.corpus_statistics.volume import Volume
from catscale.data.corpus_config import CorpusPart, SplitNames
from catscale.data.direction import Direction
from catscale.run.config import parse_config
from catscale.run.starting.document import comment, write_document
from catscale.run.starting.first_settings import choose_settings
from catscale.run.starting.folder_content import FolderContent
from catscale.run.starting.new_model import write_new_model
from catscale.system.reading.yaml_file import parse_yaml

DIRECTIONS = (Direction("en", "no"), Direction("en", "y"))
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0$"), min_size=1, max_size=40).filter(
    lambda name: name != "-"
)


def content_of(*parts, **changes):
    volume = Volume(dict.fromkeys(DIRECTIONS, 10), dict.fromkeys(DIRECTIONS, 100), 20, 50)
    values = {
        "folder": Path("text"), "parts": FolderParts(parts), "hub": "en", "directions": DIRECTIONS, "others": (),
        "empty": (), "volume": volume, "lacking": {"dev": [], "test": []}, "held_out": 5, "notes": (), **changes,
    }  # fmt: skip
    return FolderContent(**values)


def write(content):
    chosen = choose_settings(content.volume, 0, False)
    return write_document(content, chosen, "my.yaml", write_new_model(chosen, content.volume))


@given(names=st.lists(NAMES, min_size=1, max_size=3), note=NAMES)
def test_any_name_is_read_back(names, note):
    parts = [CorpusPart(format="moses", path=Path(name), pattern=None) for name in names]
    text = write(content_of(*parts, notes=(note,), folder=Path(note)))
    data = parse_config(parse_yaml(text), "my.yaml").data
    assert [part.path for part in data.parts] == [Path(name) for name in names]
    assert data.directions == ["en-no", "en-y"]


def test_a_tilde_is_a_name(monkeypatch):
    data = parse_yaml(write(content_of(CorpusPart(format="moses", path=Path("~")))))["data"]
    assert data["path"] == "./~"
    assert os.path.expanduser(data["path"]) == "./~"


def test_what_follows_from_the_text_is_there():
    part = CorpusPart(format="moses", path=Path("text"), pattern="x.{split}.{lang}", splits=SplitNames(dev="val"))
    held_out = FolderParts((part,), ("odd-test.en",))
    lacking = {"dev": [DIRECTIONS[0]], "test": [*DIRECTIONS]}
    found = {"others": (Direction("no", "y"),), "empty": (DIRECTIONS[0],), "unreadable": {DIRECTIONS[1]: "no header"}}
    text = write(content_of(parts=held_out, lacking=lacking, **found))
    assert parse_yaml(text)["data"] == {
        "format": "moses",
        "path": "text",
        "pattern": "x.{split}.{lang}",
        "splits": {"dev": "val"},
        "directions": ["en-no", "en-y"],
        "holdout": {"dev": 500, "test": 1000},
    }
    for said in (
        "no dev files of en-no; no test files of en-no, en-y",
        "# directions: [no-en, y-en]",
        "# [no-y]",
        "odd-test.en",
        "left out: en-no",
        "en-y is left out, since its train files cannot be read: no header",
        "en is in most pairs of languages (2 of 3)",
    ):
        assert said in text


@pytest.mark.parametrize(("pairs", "temperature"), [(10, 1), (300, 5)])
def test_the_share_of_old_directions_is_told_beside_the_temperature(pairs, temperature):
    content = content_of(CorpusPart(format="moses", path=Path("text")))
    volume = dataclasses.replace(content.volume, pairs={DIRECTIONS[0]: 10, DIRECTIONS[1]: pairs})
    content = dataclasses.replace(content, volume=volume)
    said = "between languages that the model knows (en-no), have 50% of every step together"
    chosen = choose_settings(volume, 0, True)
    texts = {added: write_document(content, chosen, "my.yaml", [], added) for added in (("y",), ("no", "y"), ())}
    assert parse_yaml(texts["y",])["sampling"] == {"temperature": temperature}
    assert [said in text.replace("\n# ", " ") for text in texts.values()] == [True, False, False]


@pytest.mark.parametrize("hint", ["patience", "average", "seed", "method: unimax", "method: cats", "directions"])
def test_what_stands_in_a_comment_may_be_taken(hint):
    content = content_of(CorpusPart(format="moses", path=Path("text")))
    pairs = {DIRECTIONS[0]: 10, DIRECTIONS[1]: 300}
    text = write(dataclasses.replace(content, volume=dataclasses.replace(content.volume, pairs=pairs)))
    assert f"  # {hint}" in text
    taken = text.replace(f"  # {hint}", f"  {hint}")
    replaced = "temperature:" if hint.startswith("method") else "directions: [en" if hint == "directions" else None
    lines = [line for line in taken.splitlines() if replaced is None or replaced not in line]
    assert parse_config(parse_yaml("\n".join(lines)), hint).data.directions


@pytest.mark.parametrize("indent", ["", "  "])
def test_nothing_foreign_ends_a_comment(indent):
    lines = comment("a\nb: c\u2028d " + "word " * 60, indent)
    assert all(line.startswith(f"{indent}# ") and len(line) <= 100 for line in lines)
