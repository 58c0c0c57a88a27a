"""Batches of one task each, from rows that name their task."""

from typing import Any

import pytest

from catscale.errors import ConfigError
from catscale.integrations.tasks import TaskCollator, choose_tasks, task_of

ROWS: list[dict[str, Any]] = [{"x": 1, "task": "b"}, {"x": 2, "task": "a"}, {"x": 3, "task": "b"}]


class Columns(list[dict[str, Any]]):
    """What a `datasets.Dataset` offers: its columns by name, without reading a row."""

    column_names = ("x", "task")

    def __getitem__(self, key: Any) -> Any:
        return [row[key] for row in iter(self)] if isinstance(key, str) else super().__getitem__(key)


@pytest.mark.parametrize("rows", [ROWS, Columns(ROWS)], ids=["list", "dataset"])
def test_tasks_are_those_of_the_rows_or_those_given(rows: Any) -> None:
    assert choose_tasks(rows, "task", None) == ["a", "b"]
    assert choose_tasks(rows, "task", ("b", "a", "c")) == ["b", "a", "c"]


def test_rows_without_a_task_or_no_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"name its task in the column 'language', found the columns x, task; add it"):
        choose_tasks(ROWS, "language", None)
    with pytest.raises(ConfigError, match="the training data must have rows, found none"):
        choose_tasks([], "task", ["a"])
    assert task_of({"task": 5}, "task") == "5"


def test_each_task_is_collated_by_itself_in_the_order_of_the_tasks() -> None:
    seen: list[list[dict[str, Any]]] = []

    def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
        seen.append(rows)
        return {"x": [row["x"] for row in rows]}

    batches = TaskCollator(collate, "task", ("a", "b", "c"))(ROWS)
    assert batches == {"a": {"x": [2]}, "b": {"x": [1, 3]}}
    assert list(batches) == ["a", "b"]
    assert all("task" not in row for rows in seen for row in rows)


def test_a_task_that_is_not_listed_is_named() -> None:
    collator = TaskCollator(lambda rows: {}, "task", ("a",))
    with pytest.raises(
        ConfigError, match=r"the column 'task' must name one of the tasks a, found 'b'; correct the data"
    ):
        collator(ROWS)
