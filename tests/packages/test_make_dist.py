"""What is in the wheel and the source distribution."""

import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.packages.scripts import load_script

ROOT = Path(__file__).parents[2]
module = load_script(ROOT / "packaging" / "make_dist.py")


URL = "https://example.org/catscale"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, ROOT / "packaging" / "make_dist.py", "--url", URL, "--out", out]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


@pytest.mark.slow
def test_the_source_distribution_has_what_its_tests_and_links_need(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expected = {"tests/conftest.py", "tests/hostile/README.md", "docs/results.md", "docs/methods/cats.md", "Makefile"}
    expected |= {"constraints.txt", "configs/tatoeba.yaml", "results/faults.json", "CHANGELOG.md", "experiments/run.py"}
    assert expected <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".git", "runs", "shared"))]


@pytest.mark.slow
def test_the_wheel_has_the_package_alone_with_its_data(built):
    with zipfile.ZipFile(built[0]) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"catscale"}
    sources = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src" / "catscale").rglob("*")
               if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    assert sources <= names
    head = Parser().parsestr(metadata)
    assert f"Repository, {URL}" in head.get_all("Project-URL")
    assert "Typing :: Typed" in head.get_all("Classifier")
    assert not [link for link in re.findall(r"\]\(([^)]+)\)", metadata) if "://" not in link]


def test_every_link_of_the_readme_becomes_an_address_of_a_file():
    text = module.make_links_absolute((ROOT / "README.md").read_text(encoding="utf-8"), URL, "1.0")
    links = re.findall(r"\]\(([^)]+)\)", text)
    ours = [link for link in links if link.startswith(URL)]
    assert ours
    assert all("://" in link for link in links)
    for link in ours:
        assert (ROOT / link.removeprefix(f"{URL}/blob/v1.0/").partition("#")[0]).exists()


def test_the_address_is_added_once():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'Repository = "{URL}"' in module.add_urls(text, f"{URL}/")
    with pytest.raises(ValueError, match=r"must have one section \[project.urls\], found 0"):
        module.add_urls("", URL)
