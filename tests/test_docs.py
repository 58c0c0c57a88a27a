"""The documentation says what the code does."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from catscale.cli.main import build_parser
from catscale.run.config import parse_config

ROOT = Path(__file__).parent.parent


def test_the_page_of_settings_is_what_the_classes_say() -> None:
    done = subprocess.run([sys.executable, ROOT / "docs" / "make_configuration.py", "--check"], check=False)
    assert done.returncode == 0, "run python docs/make_configuration.py"


def test_the_readme_s_configuration_loads() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    config = parse_config(yaml.safe_load(block), "README.md")
    assert config.balancing.name == "fixed"
    assert len(block.strip().splitlines()) <= 12


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
