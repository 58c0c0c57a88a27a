"""The page's data: compact, exact, and safe inside a script element."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.report.encode import encode_rows, escape_script
from tests.unchecked import unchecked

ROWS = st.lists(st.fixed_dictionaries({"m": st.sampled_from("abc"), "x": st.none() | st.floats(0, 1), "t": st.text()}))


@given(ROWS)
def test_rows_come_back_from_their_columns(rows: list[dict[str, object]]) -> None:
    table = encode_rows(rows)

    def values(column: object) -> list[object]:
        coded = unchecked(column)
        return [coded["levels"][code] for code in coded["codes"]] if isinstance(column, dict) else coded

    columns = {name: values(column) for name, column in table["columns"].items()}
    assert [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)] == rows
    assert table["length"] == len(rows)


@pytest.mark.parametrize("text", ["</script>", "<!--", "a\u2028b\u2029", "<b>é</b>"])
def test_no_text_ends_the_script_and_json_reads_it_back(text: str) -> None:
    escaped = escape_script(json.dumps(text, ensure_ascii=False))
    assert not set(escaped) & set("<\u2028\u2029")
    assert json.loads(escaped) == text
