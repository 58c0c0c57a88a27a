"""Curvature and gradient similarity on the terminal."""

from collections.abc import Mapping
from typing import Any

from catscale.analysis.analyzer import find_unconverged
from catscale.system.console.messages import print_result
from catscale.system.console.terminal import TerminalTable, show

CURVATURE = ("λ max", "residual", "trace", "± error", "tr Fisher", "± error", "‖g‖")


def print_analysis(record: Mapping[str, Any]) -> None:
    """Print one record: a line per direction and the total, then the similarity of pairs by resource."""
    show(_curvature_table(record))
    for group, tasks in (record["curvature_groups"] or {}).items():
        show(_group_table(group, tasks))
    for measure, kinds in record["similarity_by_resource"].items():
        show(_similarity_table(measure, kinds))
    if record["similarity_by_resource"]:
        print_result("all: every parameter, the embeddings too, which are in no other row")
    if find_unconverged(record):
        print_result("* not converged: the residual is above the tolerance; raise analysis.max_iterations")


def _curvature_table(record: Mapping[str, Any]) -> TerminalTable:
    table = TerminalTable(f"Curvature at step {record['step']}, nats per token")
    table.add_column("direction")
    for name in CURVATURE:
        table.add_column(name, justify="right")
    norms = record["gradient_norms"]
    for task, entry in record["curvature"].items():
        table.add_row(task, *_cells(entry), _number(norms[task]))
    total = record["total"]
    if total is not None:
        table.add_section()
        table.add_row("Σ αₙ Lₙ", *_cells(total), _root(total["squared_gradient"]))
    return table


def _group_table(group: str, tasks: Mapping[str, Any]) -> TerminalTable:
    table = TerminalTable(f"Curvature of {group}")
    table.add_column("direction")
    for name in CURVATURE[:-1]:
        table.add_column(name, justify="right")
    for task, entry in tasks.items():
        table.add_row(task, *_cells(entry))
    return table


def _cells(entry: Mapping[str, Any]) -> list[str]:
    """Return λ with a mark where it did not converge, all eigenvalues where there are several; traces with errors."""
    values = entry.get("eigenvalues") or [entry["lambda_max"]]
    mark = "*" if entry["converged"] is False else ""
    keys = ("residual", "trace", "trace_error", "fisher_trace", "fisher_error")
    return [" ".join(map(_number, values)) + mark, *(_number(entry[key]) for key in keys)]


def _similarity_table(measure: str, groups: Mapping[str, Any]) -> TerminalTable:
    """Return a table of the mean over pairs and its standard error over steps, by group of modules."""
    table = TerminalTable(f"Similarity of gradients in {measure}")
    table.add_column("parameters")
    for kind, entry in groups["all"].items():
        table.add_column(f"{kind} ({entry['pairs']} pair{'s' * (entry['pairs'] != 1)})", justify="right")
    for group, kinds in groups.items():
        table.add_row(group, *(_with_error(entry) for entry in kinds.values()))
    return table


def _with_error(entry: Mapping[str, Any]) -> str:
    """Return a mean, and its error where there is one."""
    mean = _number(entry["mean"])
    return mean if entry["error"] is None else f"{mean} ± {_number(entry['error'])}"


def _root(square: float | None) -> str:
    """Return a root as text; rounding may leave the square a little below 0."""
    return _number(None if square is None else max(square, 0.0) ** 0.5)


def _number(value: float | None) -> str:
    """Return a number with three significant digits; a dash where nothing was measured."""
    return "–" if value is None else f"{value:.3g}"
