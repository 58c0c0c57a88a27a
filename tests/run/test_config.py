import os
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catscale.errors import ConfigError
from catscale.run.config import differing_keys, dump_config, load_config, parse_config
from tests.unchecked import unchecked

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
MINIMAL = "data: {format: moses, path: corpus, directions: [en-az]}\n"


@pytest.fixture
def minimal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(MINIMAL)
    return tmp_path / "c.yaml"


def reload(config, path):
    path.write_text(dump_config(config))
    return load_config(path)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_in_the_tree_loads_and_its_resolved_form_again(path, tmp_path, monkeypatch):
    for name in ("CATSCALE_DATA", "CATSCALE_BENCHMARKS"):
        monkeypatch.setenv(name, "/corpora")
    config = load_config(path)
    assert config.data.path.is_relative_to("/corpora")
    for name in ("CATSCALE_DATA", "CATSCALE_BENCHMARKS"):
        monkeypatch.delenv(name)
    again = reload(config, tmp_path / "resolved.yaml")
    assert again.data.store.is_absolute()
    assert dump_config(again) == dump_config(config)
    assert again.model_dump(exclude={"data"}) == config.model_dump(exclude={"data"})


def test_there_is_one_for_every_corpus():
    text = "\n".join(path.read_text() for path in CONFIGS)
    assert {"multi30k", "tatoeba", "ted", "wmt-news"} <= set(re.findall(r"shared/data}/([\w-]+)", text))


def test_what_is_dumped_loads_equal_from_elsewhere(minimal, tmp_path, monkeypatch):
    overrides = [
        "balancing={method: cats, alpha_lr: 1.0e-07, formulation: paper}", "optimizer.betas=[0.85, 0.999]",
        "optimizer.learning_rate=3e-4", "training.max_minutes=1.5", "sampling.temperature=2.5",
        "vocabulary.path=given.model", "data.limit={en-az: 7}", "data.holdout={dev: 5, test: 0}",
        "evaluation.tokenizers={az: char}", "model.layer_norm_parameters=false", "optimizer.clip_norm=null",
    ]  # fmt: skip
    config = load_config(minimal, overrides)
    assert config.optimizer.learning_rate == 3e-4
    (tmp_path / "elsewhere").mkdir()
    text = dump_config(config)
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "config.yaml").write_text(text)
    again = load_config(tmp_path / "elsewhere" / "config.yaml")
    assert again.data.path == tmp_path / "corpus"
    assert unchecked(again.vocabulary).path == tmp_path / "given.model"
    monkeypatch.chdir(tmp_path)
    assert dump_config(again) == text
    paths = {"data": {"path", "store"}, "vocabulary": {"path"}}
    assert again.model_dump(exclude=paths) == config.model_dump(exclude=paths)


def test_an_override_reaches_a_section_that_the_file_lacks(minimal):
    config = load_config(minimal, ["training.max_steps=5", "model.width=64", "training.max_steps=6"])
    assert (config.training.max_steps, unchecked(config.model).width) == (6, 64)
    assert config.training.batch_tokens == 4096


def test_switching_the_method_drops_the_settings_of_the_other(minimal):
    minimal.write_text(MINIMAL + "balancing: {method: cats, inner_steps: 3}\n")
    assert unchecked(load_config(minimal).balancing).inner_steps == 3
    assert unchecked(load_config(minimal, ["balancing.method=cats"]).balancing).inner_steps == 3
    assert unchecked(load_config(minimal, ["balancing.method=fixed"]).balancing).model_dump() == {
        "method": "fixed", "task_weights": None, "temperature": None, "losses": "tokens"
    }  # fmt: skip
    switched = load_config(minimal, ["balancing.method=fixed", "balancing.losses=tasks"])
    assert switched.balancing.losses == "tasks"


def test_unknown_keys_name_what_is_known(minimal):
    minimal.write_text(MINIMAL + "sampling: {zzz: 1}\nvocabulary: {siez: 5}\ndata2: 1\n")
    with pytest.raises(ConfigError) as error:
        load_config(minimal)
    assert str(error.value).splitlines() == [
        f"{minimal} has 3 problems:",
        "  vocabulary.siez: unknown key; did you mean size?",
        "  sampling.zzz: unknown key; known here: replay, method, temperature",
        "  data2: unknown key; did you mean data?",
    ]


def test_nested_sections_name_their_keys():
    content = yaml.safe_load(MINIMAL) | {"training": {"seed": -1}}
    content["data"]["cleaning"] = {"max_lenght": 3}
    content["data"]["holdout"] = {"dev": -1}
    with pytest.raises(ConfigError) as error:
        parse_config(content, "x")
    text = str(error.value)
    assert "data.cleaning.max_lenght: unknown key; did you mean max_length?" in text
    assert "data.holdout.dev: input should be greater than or equal to 0, found -1" in text
    assert "training.seed: " in text


def test_a_mixture_is_dumped_with_absolute_paths_and_names_its_keys(minimal, tmp_path):
    minimal.write_text(
        "data:\n  directions: [en-az]\n  corpora:\n    - {format: moses, path: a, use: [train]}\n"
        "    - {format: hf, path: some/set, name: '{pair}', revision: main}\n    - {format: tsv, path: '-'}\n"
    )
    config = load_config(minimal)
    again = reload(config, tmp_path / "resolved.yaml")
    assert [str(part.path) for part in again.data.corpora] == [str(tmp_path / "a"), "some/set", "-"]
    assert dump_config(again) == dump_config(config)
    with pytest.raises(ConfigError) as error:
        load_config(minimal, ["data.corpora=[{format: moses, path: a, patern: x}, {format: mosses, path: b}]"])
    assert "  data.corpora.0.patern: unknown key; did you mean pattern?" in str(error.value)
    assert "  data.corpora.1.format: there is no such format; did you mean 'moses'? known are" in str(error.value)


leaves = st.integers(0, 2) | st.none()
keys = st.sampled_from(["a", "b", "c"])
mappings = st.dictionaries(keys, leaves | st.dictionaries(keys, leaves, max_size=2), max_size=3)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(mappings, mappings)
def test_differing_keys_are_found_where_and_only_where_they_differ(before, after):
    assert differing_keys(before, before) == []
    changed = differing_keys(before, after)
    assert changed == [] or before != after
    swapped = differing_keys(after, before)
    assert [line.split(": ")[0] for line in changed] == [line.split(": ")[0] for line in swapped]


def test_differing_keys_have_both_values():
    before = {"a": {"b": 1, "c": {"d": 2}}, "e": [1]}
    after = {"a": {"b": 1, "c": {"d": 3}}, "e": [1], "f": "x" * 100}
    found = differing_keys(before, after)
    assert found[0] == "a.c.d: 2 there, 3 now"
    assert found[1].startswith("f: None there, 'xxx")
    assert len(found) == 2
    assert len(found[1]) < 110


def test_a_method_may_be_given_after_its_settings(minimal):
    minimal.write_text(MINIMAL + "balancing: {method: fixed, losses: tasks}\n")
    config = load_config(minimal, ["balancing.inner_steps=3", "balancing.method=cats"])
    assert (config.balancing.name, unchecked(config.balancing).inner_steps) == ("cats", 3)


def test_norwegian_is_a_language(minimal):
    minimal.write_text("data: {format: moses, path: corpus, source: en, targets: [az, no]}\n")
    assert load_config(minimal).data.targets == ["az", "no"]
    assert load_config(minimal, ["data.targets=[no, da]", "data.source=no"]).data.source == "no"
    with pytest.raises(ConfigError, match=r"found False; quote it where the word is meant, as in 'false'"):
        load_config(minimal, ["data.targets=[az, false]"])


@pytest.mark.parametrize("override", ["optimizer.betas=[0.9, 1.5]", "optimizer.betas=[-1, 0]", "training.seed=1.0e+30"])
def test_what_torch_would_refuse(minimal, override):
    with pytest.raises(ConfigError, match=override.partition("=")[0]):
        load_config(minimal, [override])


@pytest.mark.parametrize(
    ("section", "method", "hint"),
    [
        ("balancing", "pcgrd", "did you mean pcgrad? Known here: fixed, cats, "),
        (
            "balancing",
            "cats_sampling",
            "it is a method of the section sampling: set sampling.method to it. Known here: ",
        ),
        ("sampling", "cats", "it is a method of the section balancing: set balancing.method to it. Known here: "),
        ("sampling", "zzz", "Known here: temperature, "),
    ],
)
def test_a_method_that_the_section_does_not_have(section, method, hint):
    data = {"format": "moses", "path": "x", "source": "en", "targets": "all"}
    with pytest.raises(ConfigError, match=re.escape(f"{section}.method: {method!r} is not known; {hint}")):
        parse_config({"data": data, section: {"method": method}}, "a configuration")


def test_what_a_run_s_folder_says_is_data(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "xyzzy")
    text = "data: {format: moses, path: '${SECRET}/a', store: '~/s', directions: [en-az]}\n"
    text += "vocabulary: {path: '${SECRET:-b}'}\n"
    (tmp_path / "config.yaml").write_text(text)
    assert str(load_config(tmp_path / "config.yaml").data.path) == "xyzzy/a"
    (tmp_path / "environment.json").write_text("{}")  # a run's, which may come from somebody else
    config = load_config(tmp_path / "config.yaml")
    assert [str(config.data.path), str(config.data.store), str(unchecked(config.vocabulary).path)] == [
        "${SECRET}/a",
        "~/s",
        "${SECRET:-b}",
    ]
    (tmp_path / "other.yaml").write_text(text)
    (tmp_path / "config.yaml").unlink()
    (tmp_path / "config.yaml").symlink_to(tmp_path / "other.yaml")
    with pytest.raises(ConfigError, match="it is a symbolic link, which is not followed here"):
        load_config(tmp_path / "config.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ConfigError, match="it is a pipe, not a regular file"):
        load_config(tmp_path / "pipe.yaml")
