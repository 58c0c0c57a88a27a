"""What was measured while training and what was measured afterwards, as one list."""

from catscale.analysis.analysis_file import analysis_path, list_records, merge, read_records, write_records


def test_records_are_merged_by_step_and_the_file_wins():
    live = [{"step": 200, "from": "live"}, {"step": 100, "from": "live"}]
    written = {"step": 300, "from": "file", "history": [{"step": 200, "from": "file"}]}
    merged = merge(live, list_records(written))
    assert [(record["step"], record["from"]) for record in merged] == [(100, "live"), (200, "file"), (300, "file")]
    assert merge([], list_records({})) == []


def test_records_come_back_by_ascending_step(tmp_path):
    path = analysis_path(tmp_path, "dev")
    assert path.name == "analysis.dev.json"
    assert read_records(path) == []
    records = [{"step": step, "gradient_norms": {"en-a": 0.5}} for step in (10, 20, 30)]
    write_records(path, records)
    assert read_records(path) == records
