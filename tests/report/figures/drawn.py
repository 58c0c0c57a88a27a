"""Figures of made-up runs, and how their rows are found."""

from catscale.report.figures.all import draw_figures
from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.history import read_runs
from tests.report.fakes import make_comparison


def source_of(folder, **options):
    comparison = make_comparison(folder, **options)
    return Source(comparison, read_runs(comparison))


def figures_of(source):
    return {figure.name: figure for figure in draw_figures(source) if isinstance(figure, Figure)}


def missing_of(source):
    return [figure for figure in draw_figures(source) if isinstance(figure, Missing)]


def only(figure, **values):
    (row,) = [row for row in figure.rows if all(row[key] == value for key, value in values.items())]
    return row
