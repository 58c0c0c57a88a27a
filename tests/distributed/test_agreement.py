"""Processes of one run that were told different things."""

import json
from typing import Any

import pytest

from catscale.distributed.agreement import DisagreementError, code_version, follow_first, require_same, settings_of
from catscale.distributed.processes import Processes


class Told(Processes):
    """A process whose others have said what the test says."""

    def __init__(self, rank: int, facts: list[dict]) -> None:
        super().__init__(rank, len(facts))
        self.facts = facts

    def exchange(self, text: str) -> list[str]:
        assert json.loads(text) == self.facts[self.rank]
        return [json.dumps(facts) for facts in self.facts]


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_every_process_stops_and_the_first_one_tells(rank):
    facts = [{"training.seed": 1, "a": [1]}, {"training.seed": 1, "a": [1]}, {"training.seed": 2, "a": [1], "b": "x"}]
    with pytest.raises(DisagreementError, match=r"training\.seed: 1 on process 0, 2 on process 2") as caught:
        require_same(Told(rank, facts), facts[rank])
    assert 'b: not set on process 0, "x" on process 2' in str(caught.value)
    assert (caught.value.is_told, caught.value.exit_status) == (rank > 0, 2)


def test_what_is_the_same_passes():
    require_same(Told(1, [{"a": 1}] * 3), {"a": 1})
    require_same(Processes(), {"a": 1})


def test_all_follow_the_first_process():
    class Exchanged(Processes):
        def exchange(self, text: str) -> list[str]:
            assert text == ('{"used": "bf16"}' if self.is_first else "")
            return ['{"used": "bf16"}', ""]

    for rank, decided in ((0, {"used": "bf16"}), (1, None)):
        assert follow_first(Exchanged(rank, 2), decided) == {"used": "bf16"}
    assert follow_first(Processes(), {"speed": None}) == {"speed": None}


def test_a_message_stays_short():
    facts: list[dict[str, Any]] = [{f"key{n}": n for n in range(9)}, {f"key{n}": "long" * 99 for n in range(9)}]
    with pytest.raises(DisagreementError, match="and 4 more") as caught:
        require_same(Told(0, facts), facts[0])
    assert len(str(caught.value)) < 1200


def test_where_the_data_lie_may_differ_and_what_is_computed_may_not():
    config = {
        "data": {"path": "/a", "store": "/b", "source": "en", "corpora": [{"path": "/c", "format": "tsv"}]},
        "training": {"device": "cpu", "threads": 2, "seed": 1},
        "optimizer": {"betas": [0.9, 0.98]},
        "balancing": {"method": "fixed", "task_weights": {}},
        "vocabulary": {"path": None, "size": 5},
    }
    assert settings_of(config) == {
        "data.source": "en",
        "data.corpora": [{"format": "tsv"}],
        "training.seed": 1,
        "optimizer.betas": [0.9, 0.98],
        "balancing.method": "fixed",
        "balancing.task_weights": {},
        "vocabulary.size": 5,
    }


def test_the_code_is_part_of_it(tmp_path, monkeypatch):
    before = code_version()
    (tmp_path / "__init__.py").write_text("__version__ = '0'")
    monkeypatch.setattr("catscale.__file__", str(tmp_path / "__init__.py"))
    after = code_version()
    assert before["version of catscale"] == after["version of catscale"]
    assert before["source of catscale"] != after["source of catscale"]
