import re
from pathlib import Path

import pytest
import yaml

from catscale.errors import ConfigError
from catscale.run.config import dump_config, load_config, parse_config
from catscale.sampling import SAMPLERS, MultiDDS, PretrainFinetune, TemperatureSampling, TemperatureSchedule
from tests.unchecked import unchecked

PAGES = Path(__file__).parents[2] / "docs" / "sampling"
DATA = {"data": {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}}


def parse(sampling: object):
    return parse_config(DATA | {"sampling": sampling}, "x").sampling


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ({}, TemperatureSampling(temperature=5)),
        ({"temperature": 1}, TemperatureSampling(temperature=1)),
        ({"method": "temperature", "temperature": 2}, TemperatureSampling(temperature=2)),
        (
            {"method": "temperature_schedule", "knots": [[0, 1], [100, 5]]},
            TemperatureSchedule(knots=[(0, 1), (100, 5)]),
        ),
        ({"method": "pretrain_finetune", "steps": 9, "high": ["en-fr"]}, PretrainFinetune(steps=9, high=["en-fr"])),
        ({"method": "multidds", "stabilised": False}, MultiDDS(stabilised=False)),
    ],
)
def test_each_sampler_is_read_and_written(sampling, expected):
    config = parse_config(DATA | {"sampling": sampling}, "x")
    assert config.sampling == expected
    again = parse_config(yaml.safe_load(dump_config(config)), "y")
    assert again.sampling == expected
    assert dump_config(again) == dump_config(config)


def test_without_the_section_it_is_temperature_sampling():
    assert parse_config(DATA, "x").sampling == TemperatureSampling(temperature=5)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        ({"method": "multids"}, "sampling.method: 'multids' is not known; did you mean multidds"),
        ({"method": "multidds", "temprature": 3}, r"sampling\.temprature: unknown key; did you mean temperature\?"),
        ({"zzz": 3}, r"sampling\.zzz: unknown key; known here: replay, method, temperature$"),
        (
            {"method": "temperature_schedule"},
            r"sampling\.knots must be pairs \[step, T\], or sampling\.schedule one of",
        ),
        ({"method": "pretrain_finetune"}, r"sampling\.steps: field required"),
        (
            {"method": "temperature_schedule", "knots": [[9, 1], [3, 2]]},
            r"sampling\.knots: the steps of the knots must ascend, found 3 after 9; reorder them",
        ),
        ({"method": "temperature_schedule", "knots": [[9, 0]]}, r"sampling\.knots\.0\.1: .*greater than 0, found 0"),
        ({"method": "pretrain_finetune", "steps": 3, "high": ["a"], "min_pairs": 3}, "high and min_pairs both choose"),
        ({"temperature": 0}, r"sampling\.temperature: input should be greater than 0, found 0"),
        (5, r"sampling: input should be a section of keys and values, as in \{method: temperature\}, found 5"),
    ],
)
def test_mistakes(sampling, message):
    with pytest.raises(ConfigError, match=message):
        parse(sampling)


def test_the_method_may_be_switched_on_the_command_line(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(yaml.safe_dump(DATA | {"sampling": {"temperature": 3}}))
    assert load_config(path, ["sampling.method=multidds"]).sampling == MultiDDS()
    assert load_config(path, ["sampling.method=temperature"]).sampling == TemperatureSampling(temperature=3)
    switched = load_config(path, ["sampling.knots=[[0, 1], [9, 2]]", "sampling.method=temperature_schedule"])
    assert switched.sampling == TemperatureSchedule(knots=[(0, 1), (9, 2)])
    assert load_config(path, ["sampling.temperature=2"]).sampling == TemperatureSampling(temperature=2)


def named_in(page: Path) -> list[str]:
    """Return the samplers of a page's examples."""
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [parse(yaml.safe_load(block)["sampling"]).name for block in blocks]


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_page_of_a_sampler_shows_settings_that_load(name):
    assert set(named_in(PAGES / f"{name}.md")) == {name}


def test_the_index_of_samplers_leads_to_the_page_of_each():
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\w+)\]\(\1\.md\)", index, re.MULTILINE) == list(SAMPLERS)
    assert {page.stem for page in PAGES.glob("*.md")} == {"README", *SAMPLERS}
    assert named_in(PAGES / "README.md") == ["unimax"]


def test_what_follows_from_the_length_of_the_training_is_filled_in_once(tmp_path):
    content = DATA | {"sampling": {"method": "cats_sampling"}, "training": {"max_steps": 2500}}
    sampling = parse_config(content, "x").sampling
    sampling = unchecked(sampling)
    assert (sampling.interval, sampling.learning_rate) == (100, pytest.approx(0.16))
    path = tmp_path / "x.yaml"
    path.write_text(dump_config(parse_config(content, "x")))
    longer = load_config(path, ["training.max_steps=9999"])  # the run's own path, whatever the length
    assert longer.sampling == sampling
    hurried = content | {"training": {"max_steps": 2500, "max_minutes": 5}}
    with pytest.raises(ConfigError, match=r"cats_sampling plans its path over training.max_steps = 2,500"):
        parse_config(hurried, "x")
    given = {"method": "cats_sampling", "interval": 10, "learning_rate": 0.1}
    assert unchecked(parse_config(hurried | {"sampling": given}, "x").sampling).interval == 10
