from catscale.training.state import Progress


def test_the_best_score_and_how_long_ago_it_was():
    progress, found = Progress(), []
    for step, score in enumerate([5.0, 5.0, 4.0, float("nan"), 4.5, 3.0], 1):
        progress.step = step
        found.append((progress.judge(score), progress.best, progress.best_step, progress.stale, progress.validated))
    assert found == [
        (True, 5.0, 1, 0, 1), (False, 5.0, 1, 1, 2), (True, 4.0, 3, 0, 3), (False, 4.0, 3, 1, 4),
        (False, 4.0, 3, 2, 5), (True, 3.0, 6, 0, 6),
    ]  # fmt: skip
    assert Progress.from_json(progress.to_json()) == progress
