"""The documentation says what the code does."""

import argparse
import ast
import re
import runpy
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

import catscale
from catscale.balancing.methods.table import METHODS, BalancingConfig
from catscale.cli.parser import build_parser
from catscale.run.config import parse_config
from tests.packages.scripts import load_script

ROOT = Path(__file__).parent.parent
REPORTS = ROOT / "docs" / "compatibility.md"
METHOD_PAGES = sorted(path for path in (ROOT / "docs" / "methods").glob("*.md") if path.name != "README.md")


def test_the_page_of_settings_is_what_the_classes_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["make_configuration.py", "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "docs" / "make_configuration.py"), run_name="__main__")
    assert not ended.value.code, "run python docs/make_configuration.py"


def test_the_readme_s_configuration_loads() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    config = parse_config(yaml.safe_load(block), "README.md")
    assert config.balancing.name == "fixed"
    assert len(block.strip().splitlines()) <= 12


def test_the_page_of_pretrained_models_shows_a_configuration_that_loads() -> None:
    (block,) = re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs" / "pretrained.md").read_text(encoding="utf-8"), re.DOTALL
    )
    config = parse_config(yaml.safe_load(block), "docs/pretrained.md")
    assert config.model_dump(mode="json")["vocabulary"]["new_languages"]["tyv"]["like"] == "kaz_Cyrl"


def test_the_readme_s_commands_parse() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"\.venv/bin/catscale ([^#|\n]*)", text)
    assert len(commands) >= 5
    for command in commands:
        build_parser().parse_args(command.split())


def test_files_that_the_readme_links_to_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


PLACES = {
    "learning-rate schedule": "optimisation/schedule.py",
    "optimiser": "optimisation/contract.py",
    "T=1+cats": "run/method_text.py",
    "low, mid, high": "evaluation/config.py",
    "atomic writes": "system/writing/files.py",
    "locks": "system/writing/locks.py",
    "language tags": "vocabulary/contract.py",
    "beam search": "evaluation/decoding/decoder.py",
    "p-values": "comparison/seeds.py",
    "figures/": "report/figures/all.py",
}
"""What a newcomer looks for, in the words of the README's tree, and where it is."""


def read_tree() -> dict[str, str]:
    """Return the README's line on each folder of the package."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("    src/catscale/\n")[2]
    return dict(re.findall(r"^      (\w+)/ +(.+)$", text, re.MULTILINE))


def test_the_readme_s_tree_is_the_package_s() -> None:
    folders = {path.parent.name for path in (ROOT / "src" / "catscale").glob("*/__init__.py")}
    assert read_tree().keys() == folders


@pytest.mark.parametrize("words", PLACES)
def test_the_readme_s_tree_leads_to_what_a_newcomer_looks_for(words: str) -> None:
    (found,) = [folder for folder, line in read_tree().items() if words in line]
    path = Path(PLACES[words])
    assert found == path.parts[0]
    assert (ROOT / "src" / "catscale" / path).is_file()


def test_the_page_of_what_is_stable_names_the_commands_and_the_library_s_names() -> None:
    text = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"\*\*Commands\*\*: (.+?), their options", text, re.DOTALL)
    (commands,) = [
        action.choices for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    assert set(re.findall(r"`(\w+)`", listed)) == set(commands)
    reference = (ROOT / "docs" / "api" / "README.md").read_text(encoding="utf-8")
    assert {name for name in catscale.__all__ if f"`{name}`" not in reference} == {"__version__"}


def test_the_readme_is_short_and_its_picture_is_what_the_figure_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    (picture,) = re.findall(r"!\[[^\]]+\]\((.+?)\)", text)
    monkeypatch.setattr(sys, "argv", ["make_picture.py", "--check"])
    assert load_script(ROOT / "docs" / "make_picture.py").main() == 0, "run python docs/make_picture.py"
    assert (ROOT / picture).stat().st_size < 50_000


@pytest.mark.parametrize("page", METHOD_PAGES, ids=lambda path: path.stem)
def test_a_method_s_page_shows_settings_that_load(page: Path) -> None:
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        method = TypeAdapter(BalancingConfig).validate_python(yaml.safe_load(block)["balancing"])
        assert method.name == page.stem
    index = (ROOT / "docs" / "methods" / "README.md").read_text(encoding="utf-8")
    assert f"({page.name})" in index


def test_every_method_of_the_literature_has_a_page() -> None:
    assert {path.stem for path in METHOD_PAGES} >= METHODS.keys() - {"fixed", "cats"}


def test_every_test_that_the_page_of_reports_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", REPORTS.read_text(encoding="utf-8"))
    assert len(named) > 70
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{path}::{name}"


def test_a_row_of_the_page_of_reports_has_a_report_and_a_test_or_says_what_is_not_done() -> None:
    rows = re.findall(r"^\| (\[.+)", REPORTS.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) >= 40
    for row in rows:
        reports, _, answer, test, _ = re.split(r" \|(?: |$)", row)
        for report in reports.split(", "):
            repository, number = re.fullmatch(r"\[([\w./-]+)#(\d+)\]\(.*\)", report).groups()
            assert report.endswith(f"(https://github.com/{repository}/issues/{number})")
        assert test.startswith("`tests/") or "**not done**" in answer, row


def test_the_page_of_reports_counts_them() -> None:
    text = REPORTS.read_text(encoding="utf-8")
    tried, _, _ = text.partition("## Pre-trained models")
    assert f"{tried.count('](https://')} such reports" in text
