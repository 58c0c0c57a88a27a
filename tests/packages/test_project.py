"""The files around the package agree with each other: versions, workflows, hooks, templates, the changelog."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import catscale
from tests.packages.scripts import load_script

ROOT = Path(__file__).parents[2]
lowest = load_script(ROOT / "packaging" / "lowest.py")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["version"] == catscale.__version__ == yaml.safe_load(read("CITATION.cff"))["version"]
    newest = re.findall(r"^## \[([\d.]+)\] - (.+)$", read("CHANGELOG.md"), re.MULTILINE)[0]
    assert newest[0] == catscale.__version__.partition(".dev")[0]
    assert (newest[1] == "unreleased") == (".dev" in catscale.__version__)


def test_the_changelog_has_the_form_that_it_names() -> None:
    text = read("CHANGELOG.md")
    kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for version in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        assert re.match(r"\[\d+\.\d+\.\d+\] - (unreleased|never released|\d{4}-\d\d-\d\d)\n", version)
        found = re.findall(r"^### (.+)$", version, re.MULTILINE)
        assert found == [kind for kind in kinds if kind in found]
        assert "Added" in found
    assert "####" not in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_does_nothing_but_make_targets(path: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE))
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    for job in jobs.values():
        commands = [step["run"] for step in job["steps"] if "run" in step]
        assert commands
        for command in commands:
            assert re.fullmatch(r"make ([\w-]+)( [A-Z]+=\S+( \S+ \}\})?)?", command), command
            assert command.split()[1] in targets


def test_the_workflows_run_every_python_that_is_promised() -> None:
    versions = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)]
    content = yaml.safe_load(read(".github/workflows/tests.yml"))
    assert content["jobs"]["test"]["strategy"]["matrix"]["python"] == versions


def test_the_hooks_are_those_of_make_lint() -> None:
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    tools = {re.search(r"\.venv/bin/(\w+)", hook["entry"])[1] for hook in hooks}
    lint = re.search(r"^lint:.*?\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)
    assert lint
    assert tools == set(re.findall(r"\$\(BIN\)/(\w+)", lint[1]))


def test_the_citation_names_the_software_and_the_paper() -> None:
    content = yaml.safe_load(read("CITATION.cff"))
    assert content.keys() >= {"cff-version", "message", "title", "authors", "type", "license"}
    assert content["license"] == PROJECT["license"]
    (paper,) = content["references"]
    assert paper["type"] == "conference-paper"
    assert [author["family-names"] for author in paper["authors"]] == ["Li", "Gong"]
    assert paper["url"] == PROJECT["urls"]["Paper"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_has_fields_with_names_of_their_own(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content.keys() >= {"name", "description", "body"}
    names = [field["id"] for field in content["body"]]
    assert len(names) == len(set(names))
    assert all(field["attributes"]["label"] for field in content["body"])


@pytest.mark.parametrize(
    "name", ["SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", ".github/PULL_REQUEST_TEMPLATE.md"]
)
def test_links_of_the_community_s_pages_lead_somewhere(name: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", read(name)) if "://" not in link]
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


def test_the_lowest_versions_are_those_of_the_project() -> None:
    found = dict(line.split("==") for line in lowest.find_lowest(PROJECT["dependencies"]))
    assert len(found) == len(PROJECT["dependencies"])
    assert found["torch"] == re.search(r"LOWEST_TORCH \?= ([\d.]+?)(\.0)?\n", read("Makefile"))[1]


def test_what_is_installed_is_what_the_constraints_say_and_the_extras_of_documentation_are_pinned() -> None:
    pinned = {line.partition("==")[0].lower() for line in read("constraints.txt").splitlines() if "==" in line}
    named = {re.split(r"[\[>=<]", line)[0].lower() for line in PROJECT["optional-dependencies"]["docs"]}
    assert named <= pinned
