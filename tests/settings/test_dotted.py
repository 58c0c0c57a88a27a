from types import MappingProxyType

from catscale.settings.dotted import flatten


def test_groups_at_any_depth_are_dotted() -> None:
    nested = {"training": {"average": {"ema": 0.999}, "seed": 1}, "name": "x"}
    assert flatten(nested) == {"training.average.ema": 0.999, "training.seed": 1, "name": "x"}


def test_what_is_empty_or_a_list_is_a_value() -> None:
    assert flatten({"a": {}, "b": {"c": [{"d": 1}], "e": None}}) == {"a": {}, "b.c": [{"d": 1}], "b.e": None}
    assert flatten({}) == {}


def test_any_mapping_is_a_group_and_is_left_as_it_was() -> None:
    inner = {"b": 1}
    assert flatten(MappingProxyType({"a": MappingProxyType(inner)})) == {"a.b": 1}
    assert inner == {"b": 1}
