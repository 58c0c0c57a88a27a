"""What MkDocs asks of us while it builds the site: links that lead out of the site become the file's name.

Pages are written to be read in the repository, too, where a link to `../results/x.json` works; in the site there is no
such file. The README and the index of the site say the same, so a link to the first leads to the second.
"""

import re
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?://|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)")
ROOT = "docs"


def lead_inside(text: str, page: str) -> str:
    """Return a page's Markdown without links out of the site.

    Args:
        text: The Markdown.
        page: The page's path under the folder of documentation.

    >>> lead_inside("[run](run.md#x), [all](../README.md), [data](../results/a.json)", "library.md")
    '[run](run.md#x), [all](index.md), data (`results/a.json`)'
    """
    lines = text.split("\n")
    fenced = False
    for number, line in enumerate(lines):
        fenced ^= line.startswith("```")
        if not fenced:
            lines[number] = LINK.sub(lambda match: _replace(match, page), line)
    return "\n".join(lines)


def _replace(match: "re.Match[str]", page: str) -> str:
    words, target, anchor = match[1], match[2], match[3] or ""
    path = normpath(f"{ROOT}/{PurePosixPath(page).parent}/{target}")
    if path == "README.md":
        return f"[{words}]({'../' * page.count('/')}index.md)"
    if path.startswith(f"{ROOT}/") and not path.endswith(".py"):
        return f"[{words}]({target}{anchor})"
    return words if words.strip("`") == path else f"{words} (`{path}`)"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Answer MkDocs, which shows each page before it is rendered."""
    return lead_inside(markdown, page.file.src_uri)
