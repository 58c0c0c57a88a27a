"""The checks of the contract of vocabularies, on vocabularies that break a promise."""

from collections.abc import Callable, Iterable, Sequence

import pytest

from catscale.system.console.messages import Say
from catscale.vocabulary.checks import (
    VocabularyCase,
    check_decoding,
    check_fingerprint,
    check_ids,
    check_names,
    check_saving,
    check_text,
    check_vocabulary,
)
from catscale.vocabulary.sentencepiece import SentencePieceVocabulary
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences

LINES = sentences("en", 60)
KNOWN: dict[tuple[int, ...], bytes] = {}


class Settings(SentencePieceSettings):
    """Settings that build a given class, whose pieces are trained once for the same lines."""

    def build(self, lines: Iterable[str], languages: Sequence[str], say: Say) -> SentencePieceVocabulary:
        key = self.size, hash(text := tuple(lines))
        if key not in KNOWN:
            KNOWN[key] = train_vocabulary(SentencePieceSettings(size=self.size), text, ["en"]).model
        return BUILT[-1](KNOWN[key], languages)


BUILT: list[type[SentencePieceVocabulary]] = [SentencePieceVocabulary]


class Swallowing(SentencePieceVocabulary):
    """Loses the order of languages."""

    @property
    def languages(self):
        return tuple(sorted(super().languages, reverse=True))


class Typed(SentencePieceVocabulary):
    """Takes what a user types for a special token."""

    def encode(self, lines):
        found = super().encode(lines)
        return [[*ids, self.eos_id] if "</s>" in line else ids for line, ids in zip(lines, found, strict=True)]


class Wordy(SentencePieceVocabulary):
    """Writes padding into the text."""

    def decode(self, sequences):
        kept = [list(ids) for ids in sequences]
        return [text + "*" * ids.count(self.pad_id) for text, ids in zip(super().decode(kept), kept, strict=True)]


class Littering(SentencePieceVocabulary):
    """Writes a file that it does not name."""

    def write(self, folder):
        super().write(folder)
        (folder / "litter").touch()


class Constant(SentencePieceVocabulary):
    """Is the same, whatever it holds."""

    fingerprint = "0" * 64


@pytest.mark.parametrize(
    ("kind", "check", "message"),
    [
        (Swallowing, check_ids, r"languages are \('pt_BR', 'en', 'de', 'az'\), asked were"),
        (Typed, check_text, r"the text '</s> <pad>.*becomes one of the ids \{2\}"),
        (Wordy, check_decoding, "tags or special ids are part of a decoded text"),
        (Littering, check_saving, r"`files` does not name \['litter'\]"),
        (Constant, check_fingerprint, "the fingerprint does not depend on the languages"),
    ],
)
def test_a_broken_promise_is_named(
    kind: type[SentencePieceVocabulary],
    check: Callable[[VocabularyCase], None],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(size=50)
    check(VocabularyCase(settings, SentencePieceVocabulary, LINES))
    monkeypatch.setattr("tests.vocabulary.test_checks.BUILT", [kind])
    with pytest.raises(AssertionError, match=message):
        check(VocabularyCase(settings, kind, LINES))
    with pytest.raises(AssertionError, match=message):
        check_vocabulary(settings, kind, LINES)


class Small(Settings):
    """Settings that expect less than they build."""

    @property
    def expected_size(self) -> int:
        return 1


def test_a_size_far_beyond_the_expected_one_is_named() -> None:
    with pytest.raises(AssertionError, match="the size is 75, expected were 1"):
        check_names(VocabularyCase(Small(size=70), SentencePieceVocabulary, LINES))
