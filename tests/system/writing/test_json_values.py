"""Values that JSON has no words for."""

import json

from hypothesis import given
from hypothesis import strategies as st

from catscale.system.writing.json_values import replace_nonfinite

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_whatever_there_is_can_be_written_afterwards(value):
    written = json.dumps(replace_nonfinite(value), allow_nan=False)
    assert json.loads(written) == replace_nonfinite(value)


def test_numbers_that_are_finite_stay():
    value = {"a": [1.5, float("-inf"), {"b": float("nan")}], "c": 1, "d": True}
    assert replace_nonfinite(value) == {"a": [1.5, None, {"b": None}], "c": 1, "d": True}
