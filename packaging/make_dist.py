"""Build the wheel and the source distribution, with links that work away from the repository.

python packaging/make_dist.py [--url https://…/catscale] [--out dist]

The README's links lead into the repository. Shown elsewhere they must be absolute: with `--url` those of the built
packages lead to the files of the tag `v{version}` there, and the project's pages name the repository.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"(\]\()(?!https?://|#|mailto:)([^)\s]+)(\))")
TAKEN = ("src", "tests", "docs", "configs", "examples", "experiments", "benchmarks", "packaging", "results")


def make_links_absolute(text: str, url: str, version: str) -> str:
    """Return Markdown whose links into the repository are addresses.

    >>> make_links_absolute("[docs](docs/run.md#files), [paper](https://x.org), [below](#speed)", "https://h/c", "0.2")
    '[docs](https://h/c/blob/v0.2/docs/run.md#files), [paper](https://x.org), [below](#speed)'
    """
    return LINK.sub(rf"\g<1>{url.rstrip('/')}/blob/v{version}/\g<2>\g<3>", text)


def add_urls(project: str, url: str) -> str:
    """Return pyproject.toml with the repository's address among the project's.

    >>> add_urls('[project.urls]\\nPaper = "p"\\n', "https://h/c").splitlines()[1:3]
    ['Repository = "https://h/c"', 'Issues = "https://h/c/issues"']
    """
    mark = "[project.urls]\n"
    if project.count(mark) != 1:
        raise ValueError(f"pyproject.toml must have one section {mark.strip()}, found {project.count(mark)}")
    url = url.rstrip("/")
    lines = [f'Repository = "{url}"', f'Issues = "{url}/issues"', f'Changelog = "{url}/blob/main/CHANGELOG.md"']
    return project.replace(mark, mark + "".join(f"{line}\n" for line in lines))


def build(url: str | None, out: Path) -> int:
    """Build from a copy of the tree.

    Returns:
        The builder's exit status.
    """
    with tempfile.TemporaryDirectory(prefix="catscale-build-") as name:
        copy = Path(name) / "catscale"
        copy.mkdir()
        for path in ROOT.iterdir():
            if path.is_file() and not path.name.startswith("."):
                shutil.copy2(path, copy)
        for folder in TAKEN:
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        if url is not None:
            project = (copy / "pyproject.toml").read_text(encoding="utf-8")
            (version,) = re.findall(r'^version = "(.+)"$', project, re.MULTILINE)
            (copy / "pyproject.toml").write_text(add_urls(project, url), encoding="utf-8")
            readme = (copy / "README.md").read_text(encoding="utf-8")
            (copy / "README.md").write_text(make_links_absolute(readme, url, version), encoding="utf-8")
        command = [sys.executable, "-m", "build", "--outdir", str(out.absolute()), str(copy)]
        return subprocess.run(command, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="the repository's public address")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    return build(options.url, options.out)


if __name__ == "__main__":
    sys.exit(main())
