"""Text goes in and comes out as it was: through the vocabulary, a store, and the tokenizer that transformers loads."""

import unicodedata
from pathlib import Path

import babel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.data import DataConfig, Direction, prepare
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.table import load_vocabulary
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import real, write

# Everything that nmt_nfkc would change, and what SentencePiece or transformers could take for something of theirs.
ODD = [
    "می‌خواهم به خانه بروم",  # ZWNJ
    "ന്‍ ക്‍ഷ a\u200db \u200b\u200c\u200d",
    "ភាសា\u200bខ្មែរ\u200bជា",
    "ก\u0e33 กำ น้ำ",
    "क\u093cख\u093c क़ ख़ ढ\u093c",
    "mang muốn thấy hạ " + unicodedata.normalize("NFD", "mang muốn thấy hạ"),
    unicodedata.normalize("NFD", "한국어 çok güzel ﬁn"),
    "½ ¼ ² ³ № ™ … ‥ ℃ ㎏ ﬁ Ⅷ ① ㈱ ª º",
    "，！？：（）“”「」 ＡＢＣ１２３ ｶﾀｶﾅ　全角",
    "two  spaces   three\ttab\t\ttabs \t mixed",
    "no\u00a0break\u202fthin\u2009\u2003em\u3000ideographic\u1680ogham",
    "line\u2028separator\u2029paragraph\x85next\x0bvertical\x0cfeed\rreturn",
    "\ufeffmark \ufeffinside\u2060word\u00adsoft\u200eleft\u200fright\u202abidi\u202c",
    "control \x01\x02\x07\x08\x1b[31m \x1c\x1d\x1e\x1fx \x7f \x80\x9f end",
    "nul\0byte \0 here",
    "lower ▁ block ▁▁ ▁x x▁ and ▅ shade",
    "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇫🇷 ☺️ ☺︎",
    "</s> <s> <pad> <unk> <mask> __en__ __de__ [MASK] <0x41> ⁇ a⁇b",
    "\ufffd \ue000\uf8ff \U000f0000 \U0010ffff \u0378 \U00099999 \ufdd9\ufffe",
    "'' `` ‘’ ‚‛ „‟ ´ ′ ″ ‐‑‒–—― − ~ ～ 〜",
]
LOCALES = [
    "ar",
    "az",
    "be",
    "bg",
    "bn",
    "bs",
    "ca",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "es",
    "et",
    "fa",
    "fi",
    "fr",
    "gl",
    "gu",
    "he",
    "hi",
    "hr",
    "hu",
    "hy",
    "id",
    "it",
    "ja",
    "ka",
    "km",
    "kn",
    "ko",
    "lt",
    "lv",
    "mk",
    "ml",
    "mr",
    "my",
    "pl",
    "pt",
    "ro",
    "ru",
    "ta",
    "th",
    "tr",
    "vi",
    "zh",
]


def check(lines: list[str], tmp_path: Path, size: int) -> None:
    """Train on lines, and demand each of them back: from SentencePiece, and from transformers in the saved folder."""
    from transformers import AutoTokenizer

    vocabulary = train_vocabulary(SentencePieceSettings(size=size), lines, ["en", "de"])
    ids, wanted = vocabulary.encode(lines), [line.strip() for line in lines]
    assert vocabulary.decode(ids) == wanted
    assert all(id_ >= 4 for line in ids for id_ in line)
    assert all(vocabulary.gives_back(lines, ids))
    assert vocabulary.gives_back(["", "x"], ids[:2]) == [False, False]
    vocabulary.save(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    reserved = [n for n, line in enumerate(wanted) if any(c in line for c in "▁▅\0\x1f")]
    plain = [n for n in range(len(lines)) if n not in set(reserved)]
    assert len(reserved) <= 3
    assert tokenizer([wanted[n] for n in plain], add_special_tokens=False).input_ids == [ids[n] for n in plain]
    decoded = tokenizer.batch_decode([ids[n] for n in plain], skip_special_tokens=True)
    assert decoded == [wanted[n] for n in plain]


def flores(per_language: int) -> list[str]:
    paths = sorted((real("flores101") / "devtest").glob("*.devtest"))
    assert len(paths) == 24
    return [line for path in paths for line in path.read_bytes().decode().split("\n")[:-1][:per_language]]


def names(locales: list[str]) -> list[str]:
    found = [babel.Locale(code) for code in locales]
    tables = [t for locale in found for t in (locale.languages, locale.territories, locale.scripts, locale.currencies)]
    return [name for table in tables for name in table.values()]


def test_odd_characters(tmp_path):
    check(ODD, tmp_path, 700)


def test_a_sample_of_flores_and_of_the_cldr(tmp_path):
    check([*flores(20), *names(["en", "km", "fa", "hi"])], tmp_path, 4000)


@pytest.mark.slow
def test_flores_and_the_cldr(tmp_path):
    assert len(LOCALES) == 46
    check([*flores(1012), *names(LOCALES), *ODD], tmp_path, 16_000)


@pytest.mark.slow
def test_every_character_of_unicode(tmp_path):
    """All that are assigned, and samples of the others and of the areas for private use."""

    def is_taken(code: int) -> bool:
        if 0xD800 <= code < 0xE000 or code == 0x0A or 0xFDD0 <= code <= 0xFDD3:  # surrogates, line feed, our stand-ins
            return False
        category = unicodedata.category(chr(code))
        return category not in ("Cn", "Co") or code % 97 == 0

    characters = [chr(code) for code in range(0x110000) if is_taken(code)]
    lines = [f"a{'b'.join(characters[n : n + 40])}z" for n in range(0, len(characters), 40)]
    lines += [f"x {' '.join(characters[n : n + 40])} y" for n in range(0, len(characters), 40)]
    vocabulary = train_vocabulary(SentencePieceSettings(size=len(characters) + 400), lines, ["en"])
    ids = vocabulary.encode(lines)
    assert vocabulary.decode(ids) == lines
    tokenizer = vocabulary.hugging_face()
    differing = [
        line
        for line, ours, theirs in zip(lines, ids, tokenizer(lines, add_special_tokens=False).input_ids, strict=True)
        if ours != theirs
    ]
    assert len(differing) == 4
    assert all(set(line) & set("▁▅\0\x1f") for line in differing)


def test_a_store_gives_text_back(tmp_path):
    cases = [*ODD, "  ends aside\t", "\u00a0x\u3000"]
    for language in ("en", "de"):
        for split in ("train", "dev", "test"):
            write(tmp_path / "c" / f"{split}.{language}", [f"{language} {n} {line}" for n, line in enumerate(cases)])
    data = DataConfig(format="moses", path=tmp_path / "c", directions=["en-de"], store=tmp_path / "s")
    said: list[str] = []
    store = prepare(data, SentencePieceSettings(size=700), said.append)
    for split in ("dev", "test"):
        pairs = store.split(split, Direction("en", "de"))
        found = store.vocabulary.decode([pairs.target(n) for n in range(len(pairs))])
        assert found == [line.strip() for line in pairs.target_text()]
        assert pairs.source_text() == [f"en {n} {line}" for n, line in enumerate(cases)]
        assert store.statistics["en-de"][split]["unwritable_targets"] == 0
    train = store.split("train", Direction("en", "de"))
    assert store.vocabulary.decode([train.target(n) for n in range(len(train))]) == found
    assert "en-de dev: 22 pairs read, 22 kept" in said
    loaded = load_vocabulary(store.folder / "vocabulary")
    assert loaded.decode(loaded.encode(ODD)) == [line.strip() for line in ODD]


@pytest.fixture(scope="module")
def ascii_vocabulary() -> Vocabulary:
    lines = [chr(a) + chr(b) for a in range(0x300) for b in range(32, 128)] + [f"a{chr(c)}b" for c in range(0x1F00)]
    return train_vocabulary(SentencePieceSettings(size=9000), [line for line in lines if "\n" not in line], ["en"])


@settings(max_examples=60)
@given(text=st.text(st.characters(max_codepoint=0x1EFF, exclude_characters="\n")))
def test_any_text_comes_back(ascii_vocabulary, text):
    (ids,) = ascii_vocabulary.encode([text])
    assert ascii_vocabulary.decode([ids]) == [text.strip()]
    assert all(4 <= i < ascii_vocabulary.pieces for i in ids)
