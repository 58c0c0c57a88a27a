"""Batches of one task each from rows that name their task."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catscale.errors import ConfigError

DatasetRow = Mapping[str, Any]


def task_of(row: DatasetRow, column: str) -> str:
    """Return the task that a row names.

    Raises:
        ConfigError: If it has no such column.
    """
    if column not in row:
        raise ConfigError(
            f"every row of the training data must name its task in the column {column!r}, found the columns "
            f"{', '.join(map(str, row))}; add it, or give the name of another one as task_column"
        )
    return str(row[column])


def choose_tasks(rows: Any, column: str, tasks: Sequence[str] | None) -> list[str]:
    """Return the given tasks, or else those that a data set names, sorted.

    Args:
        rows: A sequence of mappings, or a `datasets.Dataset`, of which only the column is read.
        column: The column that names the task.
        tasks: The tasks, or None.

    Raises:
        ConfigError: If there is no such column, or no row.
    """
    if len(rows) == 0:
        raise ConfigError("the training data must have rows, found none; check what was loaded")
    first = task_of(rows[0], column)
    return sorted({first, *list_names(rows, column)}) if tasks is None else list(tasks)


def list_names(rows: Any, column: str) -> list[str]:
    """List the task of each row; of a `datasets.Dataset` only the column is read.

    Raises:
        ConfigError: If a row has no such column.
    """
    if hasattr(rows, "column_names") and column in rows.column_names:
        return [str(name) for name in rows[column]]
    return [task_of(rows[index], column) for index in range(len(rows))]


@dataclass(frozen=True)
class TaskCollator:
    """Groups rows by task and collates each group by itself, so that no task pays for another's padding.

    Attributes:
        collate: The collator of one task's rows, which do not hold the task column.
        column: The column that names the task.
        tasks: All tasks.
    """

    collate: Callable[[list[dict[str, Any]]], Mapping[str, Any]]
    column: str
    tasks: Sequence[str]

    def __call__(self, rows: Sequence[DatasetRow]) -> dict[str, dict[str, Any]]:
        """Return one batch for each task among the rows, in the order of `tasks`.

        Raises:
            ConfigError: If a row names no task, or an unknown one.
        """
        groups: dict[str, list[dict[str, Any]]] = {task: [] for task in self.tasks}
        for row in rows:
            task = task_of(row, self.column)
            if task not in groups:
                raise ConfigError(
                    f"the column {self.column!r} must name one of the tasks {', '.join(self.tasks)}, found {task!r}; "
                    "correct the data, or add it to tasks"
                )
            groups[task].append({name: value for name, value in row.items() if name != self.column})
        return {task: dict(self.collate(group)) for task, group in groups.items() if group}
