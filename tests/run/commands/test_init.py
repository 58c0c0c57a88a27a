from pathlib import Path

import pytest

from catscale.errors import ConfigError
from catscale.run.commands.init import init
from catscale.run.config import load_config
from tests.data.toy_corpora import write, write_moses


def ignore(line):
    pass


def test_a_configuration_is_written_that_loads_as_it_is(tmp_path):
    said: list[str] = []
    folder = write_moses(tmp_path / "it's: text", {"train": 30})
    out = init(folder, tmp_path / "my.yaml", said.append)
    config = load_config(out)
    assert (config.data.path, config.data.directions) == (folder, ["en-de"])
    assert config.data.holdout is not None
    assert "30 train pairs in 1 direction" in said[-1]


def test_what_is_left_out_is_told(tmp_path):
    said: list[str] = []
    folder = write_moses(tmp_path / "text", {"train": 30})
    write(folder / "train.en-gl.tsv", ["a house\tunha casa"])
    assert load_config(init(folder, tmp_path / "my.yaml", said.append)).data.directions == ["en-de"]
    assert any("en-gl is left out, since its train files cannot be read: " in line for line in said)


def test_nothing_is_overwritten(tmp_path):
    out = tmp_path / "my.yaml"
    out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"my\.yaml is there already, and is not overwritten; choose another name"):
        init(write_moses(tmp_path / "text", {"train": 3}), out, ignore)
    assert not (tmp_path / "nowhere").exists()


def test_a_name_that_a_configuration_would_expand(tmp_path):
    folder = write_moses(tmp_path / "${HOME}", {"train": 3})
    with pytest.raises(ConfigError, match=r"has '\$\{HOME\}' in its name, which a configuration takes for"):
        init(folder, tmp_path / "my.yaml", ignore)
    with pytest.raises(ConfigError, match="- is standard input in a configuration; name the folder by its whole path"):
        init(Path("-"), tmp_path / "my.yaml", ignore)
