from typing import Any

import pytest

from catscale.comparison.grouping import group_runs, list_deciding_settings
from catscale.comparison.naming import name_methods
from catscale.errors import ConfigError
from catscale.run.folder.evaluated import read_run
from tests.comparison.fakes import write_run

SMALL: dict[str, Any] = {"sizes": {"en-az": 500}, "sentences": 3}


@pytest.fixture
def group(tmp_path):
    """Names of the methods of runs given as settings, with their seeds."""

    def names(*runs):
        folders = [write_run(tmp_path / str(i), **SMALL, **run) for i, run in enumerate(runs)]
        methods, members = group_runs([read_run(folder, "test") for folder in folders])
        for method, places in zip(methods, members, strict=True):
            assert method.folders == [str(folders[i]) for i in places]
        return [(method.name, method.seeds, method.temperature) for method in methods]

    return names


def at(temperature, seed=1, **sections):
    return {"seed": seed, "sampling": {"temperature": temperature}, **sections}


CATS = {"balancing": {"method": "cats"}}


def test_seeds_are_pooled_and_temperatures_come_first_ascending(group):
    found = group(at(5, 2, **CATS), at(100), at(5), at(1), at(5, 1, **CATS), at(5, 2))
    assert found == [("T=1", [1], 1), ("T=5", [1, 2], 5), ("T=100", [1], 100), ("T=5 + CATS", [1, 2], None)]


def test_settings_that_alter_no_result_and_the_data_s_place_do_not_divide(group):
    elsewhere = {"data": {"format": "moses", "path": "other", "source": "en", "targets": "all", "store": "x"}}
    assert len(group(at(5), at(5, 2, training={"threads": 1, "keep": 7, "log_every": 3}, **elsewhere))) == 1


def test_settings_that_only_watch_do_not_divide(group):
    watched = {"training": {"tensorboard": True, "device": "cpu"}, "analysis": {"every": 50, "top": 2}}
    assert group(at(3), at(3, 2, **watched)) == [("T=3", [1, 2], 3)]


def test_values_that_are_nearly_the_same_do_not_look_the_same(group):
    close = [{"balancing": {"method": "cats", "alpha_lr": rate}} for rate in (0.1234561, 0.1234562)]
    found = group(at(2.0000001), at(2.0000002), *(at(5, **settings) for settings in close))
    assert [name for name, _, _ in found] == [
        "T=2.0000001", "T=2.0000002", "T=5 + CATS alpha_lr=0.1234561", "T=5 + CATS alpha_lr=0.1234562"
    ]  # fmt: skip


def test_methods_of_one_name_show_what_differs(group):
    found = group(at(5, **CATS), at(5, balancing={"method": "cats", "inner_steps": 3}))
    assert [name for name, _, _ in found] == ["T=5 + CATS inner_steps=10", "T=5 + CATS inner_steps=3"]


def test_a_variant_is_called_what_it_is(group):
    """Also where it stands alone, without the default beside it; a sampler after CATS is not CATS."""
    paper = {"method": "cats", "formulation": "paper"}
    found = group(at(5), at(5, balancing=paper), {"sampling": {"method": "cats_sampling"}})
    assert [name for name, _, _ in found] == ["T=5", "T=5 + CATS formulation=paper", "cats_sampling"]


def test_every_setting_that_differs_is_shown(group):
    found = group(at(2), at(2, optimizer={"learning_rate": 0.5}), at(2, optimizer={"clip_norm": None}))
    assert [name for name, _, _ in found] == [
        "T=2 clip_norm=1 learning_rate=0.001", "T=2 clip_norm=1 learning_rate=0.5",
        "T=2 clip_norm=none learning_rate=0.001",
    ]  # fmt: skip


def test_keys_that_end_alike_are_shown_in_full():
    base = {"sampling.method": "multidds", "balancing.method": "cats", "sampling.x": 1, "balancing.x": 1}
    assert name_methods([base, base | {"sampling.x": 2, "balancing.x": True}]) == [
        "multidds + CATS balancing.x=1 sampling.x=1", "multidds + CATS balancing.x=yes sampling.x=2"
    ]  # fmt: skip


def test_other_samplers_and_weights_are_no_temperature(group):
    found = group(
        {"sampling": {"method": "multidds"}},
        at(5, balancing={"method": "fixed", "task_weights": {"en-az": 2.0}}),
        at(3, balancing={"method": "fixed", "losses": "tasks"}),
        at(4, balancing={"method": "fixed", "task_weights": {"en-az": 1.0}}),
    )
    assert found == [
        ("T=4", [1], 4), ("multidds", [1], None), ("T=5 + fixed weights", [1], None),
        ("T=3 + fixed weights", [1], None),
    ]  # fmt: skip


def test_runs_on_other_data_are_another_method(group):
    found = group(at(5), at(5, fingerprint="0" * 64))
    assert [name for name, _, _ in found] == ["T=5 data=ffffffff", "T=5 data=00000000"]


def test_flat_settings():
    found = list_deciding_settings({"evaluation": {"beam": 5}, "model": {"width": 8}, "vocabulary": {"size": 3}})
    assert found == {"model.architecture": "m2m100", "model.width": 8}  # 0.1 named none


def test_the_replay_share_does_not_divide_runs_without_new_languages(group):
    """Runs of an earlier version have no such setting, and most runs of this one no use for it."""
    other = {"sampling": {"temperature": 5, "replay": 0.1}, "seed": 2}
    assert group(at(5), other) == [("T=5", [1, 2], 5)]


def test_the_replay_share_divides_runs_with_new_languages(group):
    new = {"model": {"pretrained": "base", "new_languages": {"gl": {"tag": "__gl__"}}}}
    found = group(*({"sampling": {"temperature": 5, "replay": share}, **new} for share in (0.5, 0.1)))
    assert [(name, temperature) for name, _, temperature in found] == [("T=5 replay=0.5", 5), ("T=5 replay=0.1", None)]


def read(tmp_path, **runs):
    folders = {place: write_run(tmp_path / place, **SMALL, **settings) for place, (_, settings) in runs.items()}
    return [read_run(folder, "test", runs[place][0]) for place, folder in folders.items()]


def test_a_name_that_was_given_is_the_method_s(tmp_path):
    runs = read(tmp_path, a=("new", at(5)), b=("new", at(5, 2)), c=("", at(5, 3)), d=("other", at(1)))
    methods, members = group_runs(runs)
    assert [(method.name, method.seeds) for method in methods] == [("other", [1]), ("new", [1, 2]), ("T=5", [3])]
    assert members == [[3], [0, 1], [2]]


def test_one_name_for_two_methods(tmp_path):
    with pytest.raises(ConfigError, match=r"new is the name of .*/a and of .*/b, which differ in sampling.temp"):
        group_runs(read(tmp_path, a=("new", at(5)), b=("new", at(1, 2))))


def test_a_name_that_another_method_has(tmp_path):
    with pytest.raises(ConfigError, match=r"the method of .*/b is called T=1 too, as one you named; choose another"):
        group_runs(read(tmp_path, a=("T=1", at(5)), b=("", at(1))))
