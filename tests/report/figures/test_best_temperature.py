"""The figure of the temperature that would have been best: rows from records that follow a known law."""

from dataclasses import replace

import numpy as np
import pytest

from catscale.comparison import double_power_law
from catscale.comparison.double_power_law import share_out
from catscale.report.export import draw_svg
from catscale.report.figures.best_temperature import draw_best_temperature
from catscale.report.figures.figure import Figure, Missing, Source
from tests.report.figures.drawn import source_of

NAMES = {f"T={t}": float(t) for t in (1, 2, 5, 20)}


def law(sizes: np.ndarray, temperature: float) -> np.ndarray:
    shares = share_out(sizes, np.array([temperature]))[0]
    return 0.05 * shares**-0.7 + (sizes / np.exp(np.log(sizes).mean())) ** -0.5 * shares**0.6 + 1


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Source:
    """Two seeds, 0.01 above and below the law; the last validation has overfitted, and is not the one that counts."""
    made = source_of(tmp_path_factory.mktemp("runs"), methods=NAMES | {"CATS": None}, analysis=False, dev_bleu=None)
    sizes = np.array([float(direction.pairs) for direction in made.directions.values()])
    runs = []
    for run in made.runs:
        values = law(sizes, NAMES.get(run.method, 3.0)) + (0.01 if run.seed == 1 else -0.01)
        nll = dict(zip(made.directions, values.tolist(), strict=True))
        late = {name: value + 0.5 for name, value in nll.items()}
        records = [{"step": 10, "nll": late}, {"step": 20, "nll": nll}, {"step": 30, "nll": late}]
        runs.append(replace(run, valid=[{"kind": "valid", **record} for record in records]))
    return Source(made.comparison, runs)


@pytest.fixture(scope="module", autouse=True)
def few_draws():
    """Let the interval rest on few fits: its width is no matter here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(double_power_law, "DRAWS", 4)
        yield


@pytest.fixture(scope="module")
def figure(source) -> Figure:
    found = draw_best_temperature(source)
    assert isinstance(found, Figure)
    return found


def test_dots_are_the_best_validations_and_the_line_goes_through_them(source, figure):
    sizes = np.array([float(direction.pairs) for direction in source.directions.values()])
    is_low = np.array([direction.group == "low" for direction in source.directions.values()])
    for over, members in (("all", slice(None)), ("low-resource", is_low), ("high-resource", ~is_low)):
        dots = {row["method"]: row["nll"] for row in figure.rows if (row["over"], row["kind"]) == (over, "measured")}
        assert dots == pytest.approx({name: law(sizes, t)[members].mean() for name, t in NAMES.items()}, abs=1e-6)
        line = [row for row in figure.rows if (row["over"], row["kind"]) == (over, "law")]
        assert [line[0]["temperature"], line[-1]["temperature"]] == pytest.approx([1, 20])
        for row in line[::15]:
            assert row["nll"] == pytest.approx(law(sizes, row["temperature"])[members].mean(), abs=1e-4)


def test_the_best_is_told_in_words_and_drawn(source, figure):
    sizes = np.array([float(direction.pairs) for direction in source.directions.values()])
    grid = np.linspace(1, 20, 4000)
    best = grid[np.argmin([law(sizes, t).mean() for t in grid])]
    found = {row["temperature"] for row in figure.rows if row["kind"] == "best"}
    (value,) = found
    assert value == pytest.approx(best, rel=0.02)
    assert f"T = {value:.2g} (95% " in figure.caption
    assert f"T = {value:.2g} (95% " in figure.alt
    assert (
        f"the best of 4 temperatures that were run has {min(law(sizes, t).mean() for t in NAMES.values()):.3f}."
        in figure.alt
    )
    assert draw_svg(figure).count("<path") > 12


def test_three_temperatures_are_refused_and_one_is_no_question(source):
    plain = [
        replace(method, temperature=None) if method.name == "T=2" else method for method in source.comparison.methods
    ]
    missing = draw_best_temperature(Source(replace(source.comparison, methods=plain), source.runs))
    assert isinstance(missing, Missing)
    assert "needs 4 plain temperatures, found T=1, T=5, T=20; add others to the sweep" in missing.reason
    one = [
        replace(method, temperature=None) if method.name != "T=2" else method for method in source.comparison.methods
    ]
    assert draw_best_temperature(Source(replace(source.comparison, methods=one), source.runs)) is None


def test_validations_that_lack_a_direction_do_not_count(source):
    runs = []
    for run in source.runs:
        holed = [record | {"nll": record["nll"] | {"en-be": None}} for record in run.valid]
        runs.append(replace(run, valid=holed if run.method == "T=2" else run.valid))
    missing = draw_best_temperature(Source(source.comparison, runs))
    assert isinstance(missing, Missing)
    assert "found T=1, T=5, T=20" in missing.reason


def test_where_the_end_is_best_the_words_say_that_it_may_lie_beyond(source):
    """What is repeated gets worse, the small the most: the least is at the lowest temperature that was run."""
    sizes = np.array([float(direction.pairs) for direction in source.directions.values()])
    runs = []
    for run in source.runs:
        shares = share_out(sizes, np.array([NAMES.get(run.method, 3.0)]))[0]
        nll = dict(zip(source.directions, (1 + 100 * shares / sizes).tolist(), strict=True))
        runs.append(replace(run, valid=[{"kind": "valid", "step": 1, "nll": nll}]))
    figure = draw_best_temperature(Source(source.comparison, runs))
    assert isinstance(figure, Figure)
    assert "least at the lowest temperature that was run, T = 1 (95% " in figure.caption
    assert "or one beyond it" in figure.alt
