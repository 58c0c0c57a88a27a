import pytest

from catscale.corpus_statistics.guess import choose_directions, guess_corpus
from catscale.errors import DataError
from tests.data.toy_corpora import sentences, write, write_jsonl, write_moses


def write_layout(root, kind):
    pairs = list(zip(sentences("en", 5), sentences("de", 5), strict=True))
    if kind in ("opus100", "moses"):
        name = {"opus100": "supervised/de-en/opus.de-en-train", "moses": "en-de/train"}[kind]
        for side, code in enumerate(("en", "de")):
            write(root / f"{name}.{code}", [pair[side] for pair in pairs])
    elif kind == "tmx":
        units = (
            f'<tu><tuv xml:lang="en"><seg>{a}</seg></tuv><tuv xml:lang="de"><seg>{b}</seg></tuv></tu>' for a, b in pairs
        )
        write(root / "train.tmx", ["<tmx><body>", *units, "</body></tmx>"])
    elif kind in ("tsv", "ted"):
        name = "train.tsv" if kind == "tsv" else "all_talks_train.tsv"
        write(root / name, ["en\tde", *map("\t".join, pairs)])
    else:
        write_jsonl(root / "train.jsonl", [{"en": source, "de": target} for source, target in pairs])
    return root


@pytest.mark.parametrize("kind", ["opus100", "moses", "tsv", "jsonl", "ted", "tmx"])
def test_the_layout_of_a_folder_is_found(tmp_path, kind):
    corpus = guess_corpus(write_layout(tmp_path, kind))
    assert corpus.config.format == kind
    assert [str(direction) for direction in choose_directions(corpus)] == ["en-de"]


def test_no_layout(tmp_path):
    write(tmp_path / "notes.txt", ["nothing"])
    with pytest.raises(
        DataError,
        match=r"is neither a configuration.* there are notes\.txt, and .* opus100: supervised/",
    ):
        guess_corpus(tmp_path)
    write(tmp_path / "0123abcd" / "manifest.json", ["{}"])
    with pytest.raises(DataError, match=r"nor a token store \(it holds some: 0123abcd\)"):
        guess_corpus(tmp_path)


def test_several_layouts(tmp_path):
    write_layout(write_layout(tmp_path, "moses"), "opus100")
    with pytest.raises(DataError, match=r"has train files in 2 layouts, opus100 and moses; say which one"):
        guess_corpus(tmp_path)


def test_without_english_every_two_languages_are_taken_once(tmp_path):
    corpus = guess_corpus(write_moses(tmp_path, {"train": 5}, ("de", "az")))
    assert [str(direction) for direction in choose_directions(corpus)] == ["az-de"]
