from pathlib import Path

import pytest
from pydantic import TypeAdapter

from catscale.errors import ConfigError
from catscale.settings import Settings
from catscale.settings.location import LITERAL, DefaultedPath, Location, expand_environment, unset_variables
from tests.unchecked import unchecked


class Example(Settings):
    folder: Location


@pytest.fixture(autouse=True)
def variables(monkeypatch):
    monkeypatch.setenv("IS_SET", "/set")
    for name in ("NOT_SET", "NOR_THIS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("written", "path", "unset"),
    [
        ("${IS_SET}/a", "/set/a", ()),
        ("${IS_SET:-b}/a", "/set/a", ()),
        ("${NOT_SET:-b}/a", "b/a", ("NOT_SET",)),
        ("${NOT_SET:-b}/${IS_SET:-c}/${NOR_THIS:-d}", "b//set/d", ("NOT_SET", "NOR_THIS")),
        ("plain", "plain", ()),
    ],
)
def test_a_path_knows_which_variables_gave_it_no_value(written, path, unset):
    folder = Example(folder=written).folder
    assert folder == Path(path)
    assert hash(folder) == hash(Path(path))
    assert unset_variables(folder) == unset
    assert Example(folder=folder).model_dump(mode="json") == {"folder": str(Path(path))}


def test_the_absolute_path_knows_them_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = unchecked(Example)(folder="${NOT_SET:-b}").folder.absolute()
    assert folder == tmp_path / "b"
    assert unset_variables(folder) == ("NOT_SET",)
    assert unset_variables(folder / "file") == ()


def test_one_configuration_knows_nothing_of_another():
    """The same path, written out, comes from no variable."""
    assert unset_variables(unchecked(Example)(folder="${NOT_SET:-b}/a").folder) == ("NOT_SET",)
    assert unset_variables(unchecked(Example)(folder="b/a").folder) == ()


def test_a_variable_that_happens_to_hold_the_default_is_set(monkeypatch):
    monkeypatch.setenv("NOT_SET", "b")
    assert unset_variables(unchecked(Example)(folder="${NOT_SET:-b}").folder) == ()


def test_a_variable_without_value_and_default_is_an_error():
    with pytest.raises(ConfigError, match=r"variable NOT_SET is not set.*give a default as in \$\{NOT_SET:-folder\}"):
        unchecked(Example)(folder="${NOT_SET}/a")


def test_home_and_what_is_no_text(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert expand_environment("~/a") == "/home/somebody/a"
    assert expand_environment("${NOT_SET:-~}/a") == DefaultedPath("/home/somebody/a")
    assert expand_environment(3) == 3


def test_a_run_s_folder_means_what_it_says():
    path = TypeAdapter(Location).validate_python("${NOT_SET}/~", context=LITERAL)
    assert path == Path("${NOT_SET}/~")
