"""Checks of the contract of a kind of vocabulary, as functions that anyone can call on a kind of their own.

    from catscale.vocabulary.checks import check_vocabulary
    check_vocabulary(MySettings(), MyVocabulary, lines)

No assert statement: `python -O` would drop it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catscale.errors import DataError
from catscale.system.promises import require
from catscale.system.writing.files import scratch_folder
from catscale.vocabulary.contract import KIND_FILE, Vocabulary, VocabularySettings

LANGUAGES = ("az", "de", "en", "pt_BR")
SPECIAL = ("pad_id", "bos_id", "eos_id", "unk_id")
HOSTILE = ("", " ", "</s> <pad> <s> <unk> <mask>", "__en__ eng_Latn <2en>", "日本 cat", "a\u2028b", "\0", "🙂" * 40)


@dataclass(frozen=True)
class VocabularyCase:
    """The case that the promises are tried on.

    Attributes:
        settings: The settings of the kind.
        kind: The class that they build.
        lines: Text to build from, in which every character of the first of them is common.
    """

    settings: VocabularySettings
    kind: type[Vocabulary]
    lines: Sequence[str]

    def build(self, lines: Sequence[str] | None = None, languages: Sequence[str] = LANGUAGES) -> Vocabulary:
        """Build a vocabulary, from all lines if none are given."""
        return self.settings.build(iter(self.lines if lines is None else lines), languages, _ignore)


def check_vocabulary(settings: VocabularySettings, kind: type[Vocabulary], lines: Sequence[str]) -> None:
    """Try every promise of the contract.

    Args:
        settings: The settings of the kind.
        kind: The class that they build.
        lines: Text to build from.

    Raises:
        AssertionError: Names the first promise that is broken.
    """
    for check in CHECKS:
        check(VocabularyCase(settings, kind, lines))


def check_names(case: VocabularyCase) -> None:
    """Check that settings, class and vocabulary agree on the name of the kind, and the size is about the expected
    one."""
    vocabulary = case.build()
    require(type(vocabulary) is case.kind, f"the settings build a {type(vocabulary).__name__}")
    require(case.settings.kind == vocabulary.kind, f"kind is {case.settings.kind} and {vocabulary.kind}")
    expected = case.settings.expected_size
    require(vocabulary.size <= 2 * expected + 64, f"the size is {vocabulary.size}, expected were {expected}")


def check_ids(case: VocabularyCase) -> None:
    """Check that special ids and tags are distinct and below the size; languages keep their codes."""
    vocabulary = case.build()
    require(vocabulary.languages == LANGUAGES, f"languages are {vocabulary.languages}, asked were {LANGUAGES}")
    special = [getattr(vocabulary, name) for name in SPECIAL]
    ids = [*special, *(vocabulary.tag(language) for language in LANGUAGES)]
    require(len(set(ids)) == len(ids), f"special ids and tags repeat: {ids}")
    require(min(ids) >= 0 and max(ids) < vocabulary.size, f"an id of {ids} is not below the size {vocabulary.size}")


def check_text(case: VocabularyCase) -> None:
    """Check that text that the pieces can write comes back; text alone never becomes a tag or a special id but
    `unk_id`."""
    vocabulary = case.build()
    ids = vocabulary.encode(list(case.lines))
    given_back = vocabulary.gives_back(case.lines, ids)
    require(all(given_back) or bool(vocabulary.rule), "without a rule, a line of the text it was built from changes")
    require(sum(given_back) > len(given_back) / 2, "most lines of the text it was built from change")
    reserved = {getattr(vocabulary, name) for name in SPECIAL if name != "unk_id"} | set(vocabulary.tags.values())
    for line, found in zip([*case.lines, *HOSTILE], [*ids, *vocabulary.encode(HOSTILE)], strict=True):
        require(not reserved & set(found), f"the text {line!r} becomes one of the ids {reserved & set(found)}")
        require(all(0 <= i < vocabulary.size for i in found), f"the text {line!r} has an id beyond the size")
    require(vocabulary.encode([]) == [], "no lines have ids")
    require(not vocabulary.encode([""])[0], "an empty line has ids")


def check_decoding(case: VocabularyCase) -> None:
    """Check that tags and special ids are left out of a text; each sequence is decoded by itself."""
    vocabulary, line = case.build(), case.lines[0]
    ids = vocabulary.encode([line])[0]
    tag = vocabulary.tag(LANGUAGES[0])
    framed = [vocabulary.eos_id, tag, *ids, vocabulary.eos_id, vocabulary.pad_id, vocabulary.bos_id]
    expected = vocabulary.decode([ids])
    require(vocabulary.decode([framed]) == expected, "tags or special ids are part of a decoded text")
    require(vocabulary.decode([[], framed, ids]) == ["", *expected, *expected], "sequences are not decoded one by one")
    require(vocabulary.decode([]) == [], "nothing is decoded to something")


def check_saving(case: VocabularyCase) -> None:
    """Check that what is saved loads with the same ids and fingerprint, and only what `files` names is written."""
    vocabulary = case.build()
    with scratch_folder() as folder:
        vocabulary.save(folder)
        written = {path.name for path in folder.iterdir()}
        unnamed = written - {KIND_FILE, *vocabulary.files}
        require(not unnamed, f"`files` does not name {sorted(unnamed)}")
        loaded = case.kind.load(folder)
    require(loaded.fingerprint == vocabulary.fingerprint, "a saved vocabulary has another fingerprint")
    require(loaded.is_same(vocabulary) and vocabulary.is_same(loaded), "a saved vocabulary is not the same")
    require((loaded.size, dict(loaded.tags)) == (vocabulary.size, dict(vocabulary.tags)), "size or tags were not saved")
    require(all(getattr(loaded, n) == getattr(vocabulary, n) for n in SPECIAL), "special ids were not saved")
    require(loaded.rule == vocabulary.rule, "the rule was not saved")
    text = [*case.lines, *HOSTILE]
    require(loaded.encode(text) == vocabulary.encode(text), "a saved vocabulary gives other ids")


def check_fingerprint(case: VocabularyCase) -> None:
    """Check that the fingerprint is the same for the same content, and another for other languages and other pieces."""
    vocabulary = case.build()
    require(case.build().fingerprint == vocabulary.fingerprint, "the same lines give another fingerprint")
    others = {"languages": case.build(languages=LANGUAGES[:-1]), "order": case.build(languages=LANGUAGES[::-1])}
    if not case.settings.inputs:  # else the lines may not matter
        others["lines"] = case.build([line[::-1] + "ŋ" for line in case.lines])
    for what, other in others.items():
        require(other.fingerprint != vocabulary.fingerprint, f"the fingerprint does not depend on the {what}")
        require(not other.is_same(vocabulary), f"another one of other {what} is the same")


def check_corpus_tags(case: VocabularyCase) -> None:
    """Check that tags of corpora are refused, or have the ids after all others, are no text, and are saved."""
    vocabulary = case.build()
    require(not vocabulary.corpus_tags, "there are tags of corpora, and none were asked for")
    try:
        tagged = vocabulary.with_corpus_tags(("bt", "bible"))
    except DataError:
        return
    tags = dict(tagged.corpus_tags)
    require(tags == {"bt": vocabulary.size, "bible": vocabulary.size + 1}, f"tags of corpora have the ids {tags}")
    require(tagged.size == vocabulary.size + 2 and tagged.tags == vocabulary.tags, "other ids moved for them")
    require(not tagged.is_same(vocabulary), "a vocabulary with tags of corpora is the same as without")
    require(tagged.fingerprint != vocabulary.fingerprint, "the fingerprint does not depend on tags of corpora")
    require(tagged.encode(["<bt> a"]) == vocabulary.encode(["<bt> a"]), "a typed tag is no text")
    require(tagged.decode([[tags["bt"]]]) == [""], "a tag is part of a decoded text")
    with scratch_folder() as folder:
        tagged.save(folder)
        loaded = case.kind.load(folder)
    require(dict(loaded.corpus_tags) == tags and loaded.tags == tagged.tags, "tags of corpora were not saved")
    require(loaded.is_same(tagged), "a saved vocabulary with tags of corpora is not the same")


CHECKS: tuple[Callable[[VocabularyCase], None], ...] = (
    check_names,
    check_ids,
    check_text,
    check_decoding,
    check_saving,
    check_fingerprint,
    check_corpus_tags,
)


def _ignore(line: str) -> None:
    """Drop a progress line."""
