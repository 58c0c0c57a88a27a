"""Docstrings, comments and pages are written as the glossary of CONTRIBUTING.md says; a name means one thing."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "catscale").rglob("*.py"))
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])

NO_VERBS = {
    "A", "About", "All", "Also", "An", "Any", "As", "At", "Both", "By", "Each", "Either", "Every", "Everything", "For",
    "From", "Here", "How", "If", "In", "Its", "Least", "Most", "Neither", "New", "No", "None", "Not", "Nothing", "Of",
    "On", "One", "Only", "Our", "Out", "Same", "Some", "Than", "That", "The", "Their", "There", "These", "They", "This",
    "Those", "Three", "To", "Two", "Up", "What", "When", "Where", "Whether", "Which", "Who", "Whose", "Why", "With",
    "Without", "Yes",
}  # fmt: skip
"""Words that begin a noun, a question or a remark; any other is taken for a verb."""
FRAGMENT = re.compile(r"(?:Of|What|How|Which|Where|Who|Whose|Why|That|Those|As in|The same|Same)\b(?! as\b)")
"""How no docstring and no line of Args or Attributes begins: its reader would have to know what it belongs to."""
ENTRY = re.compile(r"^\s+\*{0,2}\w+(?:, \w+)*: (.+)$", re.MULTILINE)
UNITS = "direction|language|task|step|run|method|seed|sentence|line|pair|token|row|file|group|process|second|update"
COUNTED = (
    "a bar|a column|a line|a row|a run|a sentence|one|two|NLL|BLEU|chrF|TER|loss|losses|tokens|"
    "lines?|rows?|bars?|entry|entries|weights?|numbers?|seconds|points?|"
    "columns?|files?|matrix|objects?|curves?|records?|texts?|list|statistics|sentences|pairs|references|position"
)
WORDS = {
    "per direction, per task": re.compile(rf"\b(?:{COUNTED}) an? (?:{UNITS})(?=[,.;:)]|$| and | or | with )"),
    "NaN": re.compile(r"\bnot a number\b", re.IGNORECASE),
    "fix, repair": re.compile(r"\bmend(?:s|ed|ing)?\b", re.IGNORECASE),
    "is repeated": re.compile(r"\bst(?:ands?|ood) twice\b", re.IGNORECASE),
    "in the same way": re.compile(r"\blikewise\b", re.IGNORECASE),
    "n, this many": re.compile(r"\bso many\b", re.IGNORECASE),
    "writes": re.compile(r"\bputs? down\b", re.IGNORECASE),
    "when due": re.compile(r"\bwhere it is due\b", re.IGNORECASE),
    "holds the lock, contains it": re.compile(r"\bholds it\b", re.IGNORECASE),
    "is missing, was removed": re.compile(r"\b(?:is|are) gone\b", re.IGNORECASE),
}
"""What to write → what is refused."""


@dataclass(frozen=True)
class Text:
    """A docstring, or the string below a constant or a field.

    Attributes:
        place: File and line.
        kind: "function", or "other" of modules, classes, properties, constants and fields.
        text: Its lines, without indentation.
    """

    place: str
    kind: str
    text: str


@cache
def read_docstrings() -> list[Text]:
    """Return the docstrings of all sources."""
    return [text for path in SOURCES for text in docstrings(path)]


@cache
def read_comments() -> list[tuple[str, str]]:
    """Return the place and the text of every comment of all sources."""
    return [comment for path in SOURCES for comment in comments(path)]


def docstrings(path: Path) -> Iterator[Text]:
    """Yield every docstring of a file, and the strings below constants and fields."""
    name = path.relative_to(ROOT)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        is_property = any("property" in ast.unparse(decorator) for decorator in getattr(node, "decorator_list", []))
        for number, statement in enumerate(node.body):
            match statement:
                case ast.Expr(ast.Constant(str(text))):
                    is_function = isinstance(node, ast.FunctionDef) and not is_property and number == 0
                    yield Text(f"{name}:{statement.lineno}", "function" if is_function else "other", text.strip())


def comments(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the place and the text of every comment."""
    source = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield f"{path.relative_to(ROOT)}:{token.start[0]}", token.string


def begins_with_a_verb(text: str) -> bool:
    """Return whether a text may begin with an imperative: a plain word, no article, no plural, no question."""
    word = text.split()[0].rstrip(",.:;")
    is_plural = word.endswith("s") and not word.endswith("ss")
    return re.fullmatch(r"[A-Z][a-z]+", word) is not None and word not in NO_VERBS and not is_plural


@pytest.mark.parametrize(
    "text", ["Return the scores.", "Read a line.", "Pass over blanks.", "Hash a sentence: 64 bits."]
)
def test_what_begins_with_a_verb(text: str) -> None:
    assert begins_with_a_verb(text)


@pytest.mark.parametrize(
    "text",
    ["The scores.", "Of the model.", "Whether it is due.", "(K,) weights.", "BLEU by task.", "Returns it.", "`x`."],
)
def test_what_begins_with_no_verb(text: str) -> None:
    assert not begins_with_a_verb(text)


def test_a_function_s_docstring_begins_with_a_verb() -> None:
    found = [
        f"{text.place}: {text.text.splitlines()[0]}"
        for text in read_docstrings()
        if text.kind == "function" and not begins_with_a_verb(text.text)
    ]
    assert found == [], "begin with a verb and its object, as in `Return the scores.`"


def test_no_docstring_begins_with_a_fragment() -> None:
    found = []
    for text in read_docstrings():
        heads = [text.text.splitlines()[0], *ENTRY.findall(text.text)]
        found += [f"{text.place}: {head}" for head in heads if FRAGMENT.match(head)]
    assert found == [], "name the thing, as in `The seed of the draws.`"


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("one loss a task, nats", "per direction, per task"),
        ("a bar a run", "per direction, per task"),
        ("mean NLL a direction, in nats", "per direction, per task"),
        ("Not a number before the first step", "NaN"),
        ("it mends what a crash left", "fix, repair"),
        ("the targets, likewise", "in the same way"),
    ],
)
def test_words_that_are_refused(text: str, write: str) -> None:
    assert [key for key, word in WORDS.items() if word.search(text)] == [write]


@pytest.mark.parametrize(
    "text", ["names a task", "the pairs a language has", "so that a task is seen", "a number of lines", "recommended"]
)
def test_words_that_are_not(text: str) -> None:
    assert not [key for key, word in WORDS.items() if word.search(text)]


@pytest.mark.parametrize(("write", "word"), WORDS.items(), ids=WORDS)
def test_no_word_beside_the_glossary(write: str, word: re.Pattern[str]) -> None:
    texts = [(text.place, text.text) for text in read_docstrings()] + read_comments()
    texts += [(str(path.relative_to(ROOT)), without_glossary(path.read_text(encoding="utf-8"))) for path in PAGES]
    found = [f"{place}: {match[0]}" for place, text in texts for match in word.finditer(" ".join(text.split()))]
    assert found == [], f"write: {write}"


def without_glossary(page: str) -> str:
    """Return a page without the table that names the words that are not to be written."""
    return re.sub(r"\| Write \| Not \|\n(?:\|.*\n)+", "", page)


def test_the_glossary_names_what_is_refused() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE))
    assert WORDS.keys() <= rows.keys()
    for write, word in WORDS.items():
        assert word.search(rows[write])
