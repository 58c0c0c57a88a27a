"""The tasks of a step, and one process's share of them; the other processes are made up."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor

from catscale.balancing.engine.losses import TaskLoss
from catscale.balancing.engine.ranks import Ranks
from catscale.balancing.engine.sharing import StepPlan, share_out
from catscale.errors import ConfigError
from tests.unchecked import unchecked

TASKS = ("a", "b", "c")
PLAIN = Ranks([torch.zeros(1)])


def one() -> Tensor:
    return torch.ones(())


def two() -> Tensor:
    return torch.ones(())


@dataclass
class TwoRanks:
    """This process and one other, of which amounts by task and mixed batches, and counts by task, are given."""

    amounts: Tensor
    counts: Tensor
    size: int = 2
    is_sharded: bool = False
    seen: list[Tensor] = field(default_factory=list)

    def sum(self, values: Tensor) -> Tensor:
        self.seen.append(values.clone())
        return values + self.amounts

    def maximum(self, values: Tensor) -> Tensor:
        return torch.maximum(values, self.counts)


def beside(amounts: list[float], counts: list[float]) -> TwoRanks:
    return TwoRanks(torch.tensor(amounts, dtype=torch.float64), torch.tensor(counts, dtype=torch.float64))


def test_one_process_takes_everything_in_the_order_given() -> None:
    work = share_out({"c": one, "a": [one, two]}, None, TASKS, PLAIN, "mean")
    assert (work.names, work.task_ids.tolist()) == (["c", "a"], [2, 0])
    assert work.parts == [[one], [one, two]]
    assert (work.shares, work.portions, work.counts) == ([1.0, 1.0], [1.0, 1.0], [1, 2])


def test_a_task_without_tokens_is_left_out() -> None:
    assert share_out({"a": one, "b": two}, {"a": 0.0, "b": 3.0}, TASKS, PLAIN, "mean").names == ["b"]


def test_shares_are_those_of_the_tokens_over_all_processes() -> None:
    """Here a 30 and b 10 tokens, there a 10 and c 5: all three are in the step, in the order of the tasks."""
    ranks = beside([10, 0, 5, 0], [1, 0, 1])
    work = share_out({"b": one, "a": two}, {"a": 30.0, "b": 10.0}, TASKS, unchecked(ranks), "mean")
    assert (work.names, work.task_ids.tolist()) == (["a", "b", "c"], [0, 1, 2])
    assert work.parts == [[two], [one], []]
    assert work.shares == work.portions == [0.75, 1.0, 0.0]
    assert work.counts == [1, 1, 0]


@pytest.mark.parametrize(("across", "amount", "shares"), [("mean", 1.0, [0.25]), ("sum", 2.0, [1.0])])
def test_without_tokens_a_process_or_a_part_counts_one(across: str, amount: float, shares: list[float]) -> None:
    ranks = beside([3, 0, 0, 0], [1, 0, 0])
    work = share_out({"a": [one, two]}, None, TASKS, unchecked(ranks), across)
    assert ranks.seen[0].tolist() == [amount, 0, 0, 0]
    assert work.portions == [amount / (amount + 3)]
    assert work.shares == shares


@pytest.mark.parametrize(("here", "there"), [(0, 0), (1, 0), (0, 2)])
def test_whether_a_process_has_mixed_batches_is_known_to_all(here: int, there: int) -> None:
    ranks = beside([1, 0, 0, there], [1, 0, 0])
    assert share_out({"a": one}, None, TASKS, unchecked(ranks), "mean", [dict] * here).is_mixed == (here + there > 0)
    plan = StepPlan({"a": 2.0}, {}, passes=there)
    work = share_out({"a": one}, None, TASKS, unchecked(ranks), "mean", [dict] * here, plan)
    assert work.is_mixed == (there > 0)  # as all processes have it
    assert share_out({"a": one}, None, TASKS, PLAIN, "mean", [dict] * here).is_mixed == (here > 0)


def test_a_plan_is_taken_in_place_of_asking() -> None:
    ranks = beside([9, 9, 9], [9, 9, 9])
    plan = StepPlan({"a": 40.0, "b": 10.0, "c": 5.0}, {})
    work = share_out({"b": one, "a": two}, {"a": 30.0, "b": 10.0}, TASKS, unchecked(ranks), "mean", plan=plan)
    assert ranks.seen == []
    assert work.shares == work.portions == [0.75, 1.0, 0.0]
    ranks.is_sharded = True
    plan = replace(plan, parts={"a": 1, "b": 3, "c": 1}, passes=2)
    work = share_out({"b": one, "a": two}, {"a": 30.0, "b": 10.0}, TASKS, unchecked(ranks), "mean", [dict], plan)
    assert [len(parts) for parts in work.parts] == [1, 3, 1]
    assert (work.counts, len(work.mixed)) == ([1, 1, 0], 2)


@pytest.mark.parametrize(
    "plan",
    [
        StepPlan({"b": 1.0}, {"b": 1}),
        StepPlan({"a": 0.0}, {"a": 1}),
        StepPlan({"a": 1.0}, {}),
        StepPlan({"a": 1.0, "d": 1.0}, {"a": 1, "d": 1}),
    ],
    ids=["another task", "no tokens", "no parts", "no task"],
)
def test_a_plan_that_lacks_what_is_here(plan: StepPlan) -> None:
    ranks = beside([9, 9, 9], [9, 9, 9, 0])
    ranks.is_sharded = True
    with pytest.raises(ConfigError, match=r"plan must hold the step of all processes, found the tasks \[.*; count"):
        share_out({"a": one}, {"a": 1.0}, TASKS, unchecked(ranks), "mean", plan=plan)


ONCE = torch.ones((), requires_grad=True)


@pytest.mark.parametrize(
    ("losses", "tokens", "message"),
    [
        ({"d": one}, None, r"losses must be given for some of the tasks \['a', 'b', 'c'\], found \['d'\]"),
        ({}, None, "losses must be given for some of the tasks .* found none"),
        ({"a": one}, {"a": 0.0}, "losses must be given for some of the tasks .* found none"),
        ({"a": [ONCE, ONCE]}, None, "each loss must be given once, found the same tensor for the tasks 'a' and 'a'"),
        ({"a": one}, {"b": 1.0}, "tokens"),
    ],
)
def test_losses_that_do_not_fit(
    losses: Mapping[str, TaskLoss], tokens: Mapping[str, float] | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        share_out(losses, tokens, TASKS, PLAIN, "mean")
