"""What a long training shows, on records that were made up so that the answers are known."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments.crossing import draw_crossing, main
from experiments.prediction import correlate_ranks, find_gap, find_signal, list_points, predict_gaps
from experiments.regime_tables import make_tables, say_crossing
from experiments.summary import _by_task, _nearest, _shorten_analysis

GROUPS = {"en-cs": "low", "en-de": "low", "en-fr": "high"}
STEPS = [100, 200, 300, 400]


def make_run(seed: int, sharpness: Any, gap: Any, analysed: list[int] = STEPS) -> dict[str, Any]:
    """A run whose λ_max and gap are functions of the task's place and the step."""
    tasks = list(GROUPS)
    return {
        "seed": seed,
        "dev_nll": [[step, 1.0] for step in STEPS],
        "dev_nll_by_task": {task: [1.0 + gap(n, step) for step in STEPS] for n, task in enumerate(tasks)},
        "train_nll_by_task": {task: [1.0] * len(STEPS) for task in tasks},
        "analysis": [
            {
                "step": step,
                "lambda_max": {task: sharpness(n, step) for n, task in enumerate(tasks)} | {"total": 5.25},
                "fisher_trace": dict.fromkeys(tasks),
                "gradient_norms": dict.fromkeys(tasks, 2.0),
                "signal_to_noise": dict.fromkeys(tasks, 0.5) | {"en-fr": None},
                "squared_gradient": 0.01234,
                "cosine": -0.123,
                "similarity": {},
            }
            for step in analysed
        ],
    }


def correlations(rows: dict[str, Any], outcome: str = "gap") -> dict[str, float]:
    found = predict_gaps(rows)["lambda_max"][outcome]
    return {level: entry["correlation"] for level, entry in found.items()}


def test_ranks_are_spearman_s() -> None:
    """By hand, with a tie: ranks 1, 2.5, 2.5, 4 and 2, 1, 3, 4; the second draw leaves one of the four out."""
    left, right = np.array([0.1, 5.0, 5.0, 9.0]), np.array([7.0, 2.0, 8.0, 100.0])
    one, two = np.array([-1.5, 0, 0, 1.5]), np.array([-0.5, -1.5, 0.5, 1.5])
    times = np.array([[1, 1, 1, 1], [2, 0, 1, 3], [2, 0, 0, 3], [1, 1, 1, 0]])
    found = correlate_ranks(left, right, times)
    assert found[0] == pytest.approx(one @ two / math.sqrt((one @ one) * (two @ two)))
    assert found[1] == pytest.approx(np.corrcoef([1, 1, 2.5, 4, 4, 4], [2, 2, 3, 4, 4, 4])[0, 1])
    assert np.isnan(found[2])  # two points tell nothing
    assert correlate_ranks(left, -left, times)[:2] == pytest.approx([-1, -1])
    assert np.isnan(correlate_ranks(left, np.full(4, 0.1), times)).all()


def test_a_gap_that_follows_curvature_is_found_at_every_level() -> None:
    rows = {
        str(k): [make_run(1, lambda n, s, k=k: s + 10 * n + k, lambda n, s, k=k: (s + 10 * n + k) ** 3)]
        for k in range(5)
    }
    assert correlations(rows) == {"all": 1, "direction": 1, "cell": 1}
    entry = predict_gaps(rows)["lambda_max"]["gap"]["cell"]
    assert entry["interval"] == [1, 1]
    assert entry["points"] == 5 * 3 * 4
    assert "fisher_trace" not in predict_gaps(rows)  # which was not measured
    assert "squared_norm" not in predict_gaps(rows)  # which is the same everywhere


def test_what_language_and_time_make_alike_is_told_from_what_the_method_does() -> None:
    """The poor are sharper and have wider gaps; of two runs at one place, the sharper has the narrower gap."""
    rows = {str(k): [make_run(1, lambda n, s, k=k: 100 * n + k, lambda n, s, k=k: 100 * n - k)] for k in range(5)}
    found = correlations(rows)
    assert found["all"] > 0.7
    assert (found["direction"], found["cell"]) == (-1, -1)


def test_noise_predicts_nothing_and_its_interval_says_so() -> None:
    rng = np.random.default_rng(2)
    rows = {str(k): [make_run(1, lambda n, s: float(rng.normal()), lambda n, s: float(rng.normal()))] for k in range(6)}
    for level in ("all", "direction", "cell"):
        low, high = predict_gaps(rows)["lambda_max"]["gap"][level]["interval"]
        assert low < 0 < high


def test_the_last_gap_is_that_of_the_end_of_the_run() -> None:
    """Sharpness rises with time, the gap falls, and its last value is the run's own."""
    rows = {str(k): [make_run(1, lambda n, s, k=k: s + k, lambda n, s, k=k: k - s)] for k in range(4)}
    assert correlations(rows)["direction"] < -0.8
    assert correlations(rows, "last gap")["cell"] == 1


def test_steps_without_a_validation_and_old_records_are_left_out() -> None:
    run = make_run(1, lambda n, s: s, lambda n, s: s, [100, 150])
    old = {"seed": 1, "dev_nll": [[100, 1.0]], "analysis": [{"step": 100, "lambda_max": {}}]}
    points = list_points({"a": [run], "old": [old], "none": []})
    assert [(point["step"], point["task"]) for point in points] == [(100, task) for task in GROUPS]
    assert points[0]["squared_norm"] == 4
    assert [point["squared_signal"] for point in points] == [pytest.approx(4 / 3)] * 2 + [None]
    run["train_nll_by_task"]["en-cs"][0] = None
    assert find_gap(run, "en-cs", 0) is None
    assert find_gap(run, "en-cs", None) is None
    assert find_gap(run, "en-fr", 1) == pytest.approx(200)
    assert len(list_points({"a": [run]})) == 2
    assert predict_gaps({"a": [run]}) == {}


def test_signal_is_the_square_without_the_noise() -> None:
    """6 of signal and 3 of noise; an estimate below zero stays there."""
    assert find_signal(9.0, 6 / 3) == pytest.approx(6)
    assert find_signal(3.0, -1 / 4) == pytest.approx(-1)  # 4 of noise
    assert [find_signal(3.0, None), find_signal(None, 2.0), find_signal(3.0, -1.0)] == [None, None, None]


def test_the_table_of_what_was_looked_at() -> None:
    run = make_run(1, lambda n, s: 1.0 + n, lambda n, s: n - 1.0, [100, 150])
    made = make_tables({"T=1": [run], "T=5": [], "plain": [{**run, "analysis": []}]}, GROUPS)
    assert made["answer"]["heads"][:6] == ["", "step", "λ_max of Σ αₙ Lₙ", "αᵀGα", "mean cosine", "λ_max en-cs"]
    assert made["answer"]["lines"] == [
        ["T=1", "100", "5.2", "0.0123", "−0.12", "1.0", "2.0", "3.0", "0.50", "0.50", "–", "−1.00", "+0.00", "+1.00"],
        ["", "150", "5.2", "0.0123", "−0.12", "1.0", "2.0", "3.0", "0.50", "0.50", "–", "–", "–", "–"],
    ]
    assert made["prediction"]["lines"][0] == ["λ_max", "at that step", "+1.00", "–", "–"]  # one run: no interval


def test_the_table_of_a_prediction() -> None:
    rows = {str(k): [make_run(1, lambda n, s, k=k: s + k, lambda n, s, k=k: s + k)] for k in range(4)}
    made = make_tables(rows, GROUPS)["prediction"]
    assert made["heads"][2:] == ["over everything", "within a direction", "within a direction and step"]
    assert made["lines"][0][:2] == ["λ_max", "at that step"]
    assert made["lines"][0][4] == "+1.00 (+1.00 to +1.00)"


def cross(first: list[float], second: list[float], ema: bool) -> dict[str, Any]:
    def row(seed: int, values: list[float]) -> dict[str, Any]:
        table = {"en-cs": values, "en-de": [v + 1 for v in values], "en-fr": [9.0] * len(values)}
        shifted = {task: [v - 0.5 for v in its] for task, its in table.items()}
        steps = [[100 * (n + 1), 1.0] for n in range(len(values))]
        return {"seed": seed, "dev_nll": steps, "dev_nll_by_task": table} | (
            {"dev_nll_ema_by_task": shifted} if ema else {}
        )

    return {"T=1": [row(1, first)], "T=5": [row(1, second)]}


def test_the_table_of_a_crossing() -> None:
    made = make_tables(cross([3.0, 2.0, 1.0], [2.0, 1.5, 1.25], ema=True), GROUPS)["crossing"]
    assert made["heads"][:5] == ["update", "T=1, low", "T=5, low", "T=1, EMA, low", "T=5, EMA, low"]
    assert made["heads"][5:7] == ["en-cs, T=1 less T=5", "en-de, T=1 less T=5"]
    assert [line[:3] for line in made["lines"]] == [
        ["100", "3.500", "2.500"],
        ["200", "2.500", "2.000"],
        ["300", "1.500", "1.750"],
    ]
    assert made["lines"][2][3:] == ["1.000", "1.250", *["−0.250"] * 4]
    assert "low from update 300 on; en-cs from update 300 on" in made["note"]
    assert "low, EMA from update 300 on" in made["note"]
    plain = make_tables(cross([1.0] * 40, [1.0] * 40, ema=False), GROUPS)["crossing"]
    assert plain["heads"] == ["update", "T=1, low", "T=5, low", "en-cs, T=1 less T=5", "en-de, T=1 less T=5"]
    assert [line[0] for line in plain["lines"]][-2:] == [
        "3,600",
        "4,000",
    ]  # about ten of the updates, the last among them
    assert "low not within 4,000 updates" in plain["note"]
    assert "crossing" not in make_tables({"T=1": [], "T=5": []}, GROUPS)


def test_where_each_direction_s_dev_nll_turns():
    run = {
        "dev_nll": [[10, 3.0], [20, 2.0], [30, 2.5]],
        "dev_nll_by_task": {"en-az": [2.5, 2.0, 2.75], "en-fr": [2.0, 1.75, 1.5]},
        "epochs": {"en-az": [3.6, 7.2, 10.8], "en-fr": [0.5, 1.0, 1.4]},
    }
    later = {**run, "dev_nll_by_task": {"en-az": [1.0, 1.5, 2.0], "en-fr": [9.0, 9.0, 9.0]}}
    groups = {"en-az": "low", "en-fr": "high"}
    made = make_tables({"T=1": [run], "T=5": [later], "T=2": []}, groups)["turning"]
    whats = ("update", "epochs", "NLL", "at the end")
    assert made["heads"] == ["", *(f"{task}: {what}" for task in groups for what in whats)]
    assert made["lines"] == [
        ["T=1", "20", "7", "2.000", "+0.75", "30", "1", "1.500", "lowest there"],
        ["T=5", "10", "4", "1.000", "+1.00", "10", "0", "9.000", "+0.00"],
    ]
    without = {key: value for key, value in run.items() if key != "epochs"}
    assert "turning" not in make_tables({"T=1": [run], "T=5": [without]}, groups)
    assert "turning" not in make_tables({"T=1": [{**run, "epochs": {}}]}, groups)


def test_the_picture_of_a_crossing() -> None:
    content = {"groups": GROUPS, "rows": cross([3.0, 2.0, 1.0], [2.0, 1.5, 1.25], ema=True)}
    for run in [run for runs in content["rows"].values() for run in runs]:
        run["dev_nll_ema"] = run["dev_nll"][1:]  # which began later
        run["dev_nll_ema_by_task"] = {task: values[1:] for task, values in run["dev_nll_ema_by_task"].items()}
    figure = draw_crossing(content)
    values = {(row["method"], row["model"], row["over"], row["step"]): row["mean"] for row in figure.rows}
    assert len(values) == len(figure.rows) == 2 * 3 * (3 + 2)
    assert values["T=1", "the model", "mean of the poor", 300] == 1.5
    assert values["T=5", "its EMA", "en-de", 200] == 2.0
    assert "low from update 300 on" in figure.alt


@pytest.mark.slow  # the engine that draws takes seconds to begin
def test_the_picture_is_written(tmp_path: Path) -> None:
    content = {"groups": GROUPS, "rows": cross([3.0, 2.0, 1.0], [2.0, 1.5, 1.25], ema=False)}
    (tmp_path / "result.json").write_text(json.dumps(content))
    main([str(tmp_path / "result.json"), str(tmp_path / "crossing.svg")])
    drawn = (tmp_path / "crossing.svg").read_text()
    assert drawn.startswith("<svg")
    assert all(text in drawn for text in ("mean of the poor", "T=1", "update"))


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        ([True, True, True], "from the first validation on"),
        ([True, False, True], "from update 3 on"),  # for good
        ([True, True, False], "not within 3 updates"),
    ],
)
def test_a_row_is_ahead_where_it_stays_so(ahead: list[bool], said: str) -> None:
    assert say_crossing([1, 2, 3], ahead) == said


def test_records_are_summed_up() -> None:
    assert _by_task([{"a": 1.00049}, {"a": 2.0, "b": 3.0}]) == {"a": [1.0, 2.0], "b": [None, 3.0]}
    assert _nearest([{"step": 50}, {"step": 100}, {"step": 150}], 90)["step"] == 100
    record = {
        "step": 5,
        "curvature": {"a": {"lambda_max": 1.23456, "fisher_trace": None}},
        "total": {"lambda_max": 2.0, "squared_gradient": 0.123456},
        "similarity": {"direction": {"all": {"a|b": 0.2, "a|c": -0.1, "b|c": None}}},
        "similarity_by_resource": {kind: {"all": {"high-low": {"mean": 0.1}}} for kind in ("direction", "magnitude")},
        "gradient_norms": {"a": 0.33333},
    }
    found = _shorten_analysis(record)
    assert found["squared_gradient"] == 0.12346
    assert found["cosine"] == pytest.approx(0.05)
    assert (found["gradient_norms"], found["signal_to_noise"]) == ({"a": 0.3333}, {})
    assert found["fisher_trace"] == {"a": None}
    assert _shorten_analysis({**record, "total": None})["squared_gradient"] is None


def test_weights_along_training_are_shares() -> None:
    path = [[100, {"en-cs": 1.0, "en-de": 2.0, "en-fr": 1.0}], [1200, {"en-cs": 0.0, "en-de": None, "en-fr": 3.0}]]
    still = [[100, dict.fromkeys(GROUPS)]]  # a method without weights of its own
    run = make_run(1, lambda n, s: 1.0, lambda n, s: 1.0)
    rows = {"cats": [run, run | {"weights_along": path}], "sampler": [run | {"probabilities_along": path[:1]}]}
    made = make_tables({**rows, "still": [run | {"weights_along": still}], "T=1": [run]}, GROUPS)["weights"]
    assert made["heads"] == ["", "step", "en-cs", "en-de", "en-fr"]
    assert made["lines"] == [
        ["cats", "100", "0.25", "0.50", "0.25"],
        ["", "1,200", "0.00", "–", "1.00"],
        ["sampler", "100", "0.25", "0.50", "0.25"],
    ]
    assert "weights" not in make_tables({"T=1": [run]}, GROUPS)
