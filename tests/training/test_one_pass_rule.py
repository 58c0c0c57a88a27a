"""Steps that measure gradients take passes over all tasks where counts say that it is less work, and stay the same."""

from dataclasses import replace

import pytest
import torch

from catscale.balancing.contract import Request
from catscale.balancing.engine.owned_batch import OwnedBatch
from catscale.balancing.methods.cats import CATS
from catscale.distributed.processes import Processes
from catscale.model.likelihood import batch_losses
from catscale.optimisation.lagrangian import Lagrangian
from catscale.training.step_losses import LossBuilder, StepLosses
from tests.training.test_trainer import FixedStream, make
from tests.unchecked import unchecked

PRODUCTS, GRAMIAN = Request("products"), Request("gramian")


def trainer_of(folder, low_memory=False, inner_steps=1, statistics="products", **given):
    """A trainer whose steps measure gradients, and the list of the passes of its model."""
    folder.mkdir()
    method = CATS(inner_steps=inner_steps, statistics=statistics)
    trainer = make(folder, method, max_steps=4, sub_batch_tokens=16, joint_tokens=1000, low_memory=low_memory, **given)
    trainer.balancer._steps.low_memory = low_memory  # as a run's is built
    trainer.builder.one_pass.apart_start = 2.0  # two tasks are enough
    passes, predict = [], trainer.model.predict

    def counted(batch):
        passes.append(len(batch.labels))
        return predict(batch)

    trainer.model.predict = counted
    return trainer, passes


def rule_of(tmp_path, low_memory=False, launch=200.0, limit=1000, processes=None, **given):
    trainer, _ = trainer_of(tmp_path / "run", low_memory, **given)
    setup = trainer.setup if processes is None else replace(trainer.setup, processes=processes)
    builder = LossBuilder(setup)
    rule = builder.one_pass
    rule.launch, rule.limit = launch, limit
    return builder, rule


@pytest.mark.parametrize(
    ("low_memory", "each", "statistics", "precision"),
    [
        (False, 2, "products", "fp32"),
        (True, 4, "products", "fp32"),
        (False, 2, "gramian", "fp32"),
        (False, 2, "gramian", "bf16"),
    ],
)
def test_parameters_losses_and_weights_are_the_same(tmp_path, low_memory, each, statistics, precision):
    """The first step looks at a sentence, to know the model; steps of one pass then, where there was one a task."""
    (one, passes), (other, others) = (
        trainer_of(tmp_path / name, low_memory, statistics=statistics, precision=precision) for name in "ab"
    )
    other.builder.one_pass.may = False
    for trainer in (one, other):
        trainer.start()
        for _ in range(4):
            trainer.step()
    assert passes == [1, 3, 3, 3, 3]
    assert len(others) == 4 * each
    for name, parameter in one.model.state_dict().items():
        if not name.endswith("k_proj.bias"):  # whose gradient is 0, and Adam makes steps of its rounding
            torch.testing.assert_close(parameter, other.model.state_dict()[name], rtol=1e-4, atol=1e-5)
    assert one.latest_nll == pytest.approx(other.latest_nll, rel=1e-5)
    assert one.progress.tokens == other.progress.tokens
    assert one.balancer.weights == pytest.approx(other.balancer.weights, rel=1e-4)


def test_steps_that_measure_nothing_are_not_looked_at(tmp_path):
    trainer, passes = trainer_of(tmp_path / "run", inner_steps=2)
    trainer.start()
    for _ in range(4):
        trainer.step()
    assert passes == [3, 1, 3, 3, 3]  # sentences of each pass, and of the look before the second step


def look(builder):
    return unchecked(builder)._look


@pytest.mark.parametrize(
    ("launch", "low_memory", "limit", "holds"),
    [
        (200.0, True, 1000, True),
        (1.0, True, 1000, True),  # everything twice against a third more
        (200.0, True, 11, False),  # 6, 3 and 3 target positions, each sentence by itself
        (200.0, True, 12, True),
        (200.0, False, 1000, False),  # two starts of a quarter against one, a third more and padding
    ],
)
def test_it_is_decided_by_counts(tmp_path, launch, low_memory, limit, holds):
    builder, rule = rule_of(tmp_path, low_memory, launch, limit)
    batches = FixedStream().batches
    assert rule.holds(batches, PRODUCTS, look(builder)) is holds
    assert not rule.holds(batches, replace(PRODUCTS, halves=True), look(builder))
    assert not rule.holds(batches, Request(), look(builder))


def many_tasks(count):
    """Tasks of a sentence of 4 and 6 positions each."""
    (batch,) = FixedStream().batches["en-az"]
    return {f"task {number}": [batch] for number in range(count)}


@pytest.mark.parametrize(
    ("request_", "count", "launch", "limit", "holds"),
    [
        (GRAMIAN, 8, 20.0, 1000, True),  # (80 + 20) 1.1 = 110, against 80 + 8 × 5 = 120
        (GRAMIAN, 8, 8.0, 1000, False),  # 96.8 against 96
        (GRAMIAN, 8, 9.0, 1000, True),  # 97.9 against 98
        (PRODUCTS, 8, 20.0, 1000, False),  # 133.3
        (PRODUCTS, 8, 50.0, 1000, True),  # 173.3 against 180
        (GRAMIAN, 8, 20.0, 24, False),  # two passes: 132
        (GRAMIAN, 12, 100.0, 36, True),  # two passes of 36 target positions, one after the other: 352 against 420
        (PRODUCTS, 12, 100.0, 36, False),  # whose layers would be kept together
    ],
)
def test_held_gradients_are_decided_by_counts_too(tmp_path, request_, count, launch, limit, holds):
    """A start of a pass of one task costs a quarter, and joined passes a tenth more than plain ones."""
    builder, rule = rule_of(tmp_path, False, launch, limit)
    assert rule.holds(many_tasks(count), request_, look(builder)) is holds


def test_layers_that_are_computed_again_need_a_pass_for_each_task(tmp_path):
    assert not rule_of(tmp_path, gradient_checkpointing=True)[1].may


@pytest.mark.parametrize("low_memory", [False, True])
def test_an_optimiser_that_takes_norms_needs_held_gradients(tmp_path, low_memory):
    """Which products in one pass do not tell; without held gradients there are none in any case."""
    builder, rule = rule_of(tmp_path, low_memory=low_memory, optimizer=Lagrangian())
    batches = many_tasks(8)
    assert rule.holds(batches, PRODUCTS, look(builder))
    assert rule.holds(batches, GRAMIAN, look(builder)) is not low_memory
    assert rule._is_known == ({True: True} if low_memory else {False: True})


def test_a_group_alone_or_halves_take_a_pass_for_each_task(tmp_path):
    builder, rule = rule_of(tmp_path)
    for request in (GRAMIAN, Request("norms"), replace(GRAMIAN, per_group=True)):
        assert rule.holds(many_tasks(8), request, look(builder))
    for request in (replace(GRAMIAN, halves=True), replace(GRAMIAN, group="last")):
        assert not rule.holds(many_tasks(8), request, look(builder))


def test_a_model_that_uses_parameters_otherwise_is_looked_at_once(tmp_path):
    trainer, passes = trainer_of(tmp_path / "run")
    layer = trainer.model.layers()[0].fc1
    trainer.model.network.model.decoder.dropout = 0.5
    layer.forward = lambda x: torch.nn.functional.linear(x, layer.weight * 1.0, layer.bias)
    trainer.start()
    before = torch.get_rng_state()
    assert trainer.builder.build(trainer.stream.take(1), PRODUCTS).batch is None
    assert torch.get_rng_state().equal(before)
    for _ in range(3):
        trainer.step()
    assert passes == [1, *[1, 2] * 3]


def test_passes_of_several_processes(tmp_path):
    """Each process plans the same from what all of them have; a process without sentences has no pass."""
    found = []
    for rank in range(4):
        (tmp_path / str(rank)).mkdir()
        builder, rule = rule_of(tmp_path / str(rank), low_memory=True, processes=Processes(rank, 4))
        rule._is_known = {True: True}  # without asking the others
        losses = builder.build(FixedStream().batches, PRODUCTS)
        found.append((losses.plan.passes, len(losses.batch or ()), len(losses.losses)))
    assert [passes for passes, _, _ in found] == [1] * 4
    assert sorted(number for _, number, _ in found) == [0, 1, 1, 1]
    assert all((number == 0) == (tasks == 0) for _, number, tasks in found)


def test_sentences_and_tokens_have_owners(tmp_path):
    builder, _ = rule_of(tmp_path, low_memory=True)
    batches = FixedStream().batches
    (batch,) = builder.build(batches, PRODUCTS).batch
    assert isinstance(batch, OwnedBatch)
    parts = [(task, part) for task, found in batches.items() for part in found]
    named = [batch.tasks[owner] for owner in batch.sentences.tolist()]
    assert sorted(named) == sorted(task for task, part in parts for _ in range(len(part.labels)))
    assert len(batch.tokens) == sum(part.tokens for _, part in parts)
    counts = {task: sum(p.tokens for t, p in parts if t == task) for task in batches}
    assert {task: [batch.tasks[o] for o in batch.tokens.tolist()].count(task) for task in batches} == counts


def test_nll_is_that_of_the_sub_batches_where_these_were_computed_after_all(tmp_path):
    builder, _ = rule_of(tmp_path, low_memory=True)
    batches = FixedStream().batches
    builder.objective.model.eval()
    wanted = [sum(batch_losses(builder.objective.model, p, 0.0)[1].item() for p in found) for found in batches.values()]
    losses = builder.build(batches, PRODUCTS)
    (batch,) = losses.batch
    batch()
    assert losses.pack_nll().tolist() == pytest.approx(wanted, rel=1e-5)
    for parts in losses.losses.values():
        for part in parts:
            part()
    assert losses.pack_nll().tolist() == pytest.approx(wanted, rel=1e-5)  # and not twice as much


def test_no_pass_is_no_nll():
    empty = StepLosses({}, {}, None, {"a": 3}, {"a": {}})
    assert empty.pack_nll().tolist() == [0.0]
