"""The site is built without a warning, and reads nothing from the network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.packages.scripts import load_script

ROOT = Path(__file__).parent.parent
site_hook = load_script(ROOT / "packaging" / "site_hook.py")

LOADED = re.compile(
    r"<(?:script|img|iframe|source|link|audio|video|object|embed)\b[^>]*?(?:src|href|data)=\"?([^\">\s]+)"
)
STYLE = re.compile(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, built once; a warning ends it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_of_the_folder_is_in_the_site(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    made = {page.with_name("index.html" if page.name == "README.md" else f"{page.stem}.html") for page in pages}
    assert {path for path in made if not (site / path).is_file()} == set()
    assert not list(site.rglob("*.py"))


def test_a_page_loads_nothing_from_the_network(site: Path) -> None:
    pages = [path for path in site.rglob("*.html") if path.parent.name != "examples" or path.name == "index.html"]
    assert len(pages) > 50
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = [address for address in LOADED.findall(text) if re.match(r"(https?:)?//", address)]
        assert loaded == [], page
        assert STYLE.findall(text) == [], page
    for style in site.rglob("*.css"):
        assert STYLE.findall(style.read_text(encoding="utf-8")) == [], style


def test_links_and_anchors_within_the_site_lead_somewhere(site: Path) -> None:
    ids: dict[Path, set[str]] = {}
    for page in site.rglob("*.html"):
        ids[page] = set(re.findall(r'\b(?:id|name)="?([^"\s>]+)', page.read_text(encoding="utf-8")))
    for page in ids.keys() - {site / "404.html"}:
        body = page.read_text(encoding="utf-8").partition("<article")[2].partition("</article>")[0]
        for target, anchor in re.findall(r'href="?(?!https?:|mailto:)([^"#\s>]*)(?:#([^"\s>]*))?', body):
            file = (page.parent / target).resolve() if target else page
            assert file.exists(), (page, target)
            assert not anchor or file.suffix != ".html" or anchor in ids[file], (page, target, anchor)


def test_the_reference_has_the_library_s_names(site: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (site / "api").glob("*.html"))
    for name in (
        "TaskBalancer",
        "TranslationModel",
        "Vocabulary",
        "OptimizerSettings",
        "Signals",
        "State",
        "Sampler",
        "CATSSampling",
        "check_method",
        "MGDA",
    ):
        assert re.search(rf'id="catscale\.[\w.]*\.{name}"', text), name
    assert "&gt;&gt;&gt;" in text  # doctests are shown as code


def test_the_navigation_names_files_that_exist() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")

    def pages(entry: object) -> list[str]:
        if isinstance(entry, dict):
            return [page for value in entry.values() for page in pages(value)]
        return [page for value in entry for page in pages(value)] if isinstance(entry, list) else [str(entry)]

    named = pages(yaml.safe_load(text)["nav"])
    assert len(named) == len(set(named))
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert set(named) == there


@pytest.mark.parametrize(
    ("text", "page", "expected"),
    [
        ("[a](../README.md)", "library.md", "[a](index.md)"),
        ("[a](../../README.md)", "methods/cats.md", "[a](../index.md)"),
        ("[a](../README.md)", "methods/cats.md", "[a](../README.md)"),
        ("[code](../src/catscale/errors.py)", "library.md", "code (`src/catscale/errors.py`)"),
        ("[`results/a.json`](../results/a.json)", "run.md", "`results/a.json`"),
        ("[x](make_results.py)", "results.md", "x (`docs/make_results.py`)"),
        ("[x](https://h/c), [y](#z), [m](run.md#a)", "data.md", "[x](https://h/c), [y](#z), [m](run.md#a)"),
        ("```\n[a](../README.md)\n```", "library.md", "```\n[a](../README.md)\n```"),
    ],
)
def test_links_out_of_the_site_become_names(text: str, page: str, expected: str) -> None:
    assert site_hook.lead_inside(text, page) == expected
