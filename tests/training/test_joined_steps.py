"""A step in one pass is the step of its sub-batches one by one, dropout aside."""

import pytest
import torch

from catscale.balancing.contract import Request
from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.famo import FAMO
from catscale.balancing.methods.fixed import Fixed
from catscale.data.joining import join_batches
from catscale.model.likelihood import batch_losses, joined_losses
from catscale.model.pass_size import count_kept
from catscale.optimisation.sam import SAM
from catscale.optimisation.table import DEFAULT
from catscale.training.config import KEPT, POSITIONS, SCORES, TrainingConfig
from tests.training.test_trainer import VOCABULARY, FixedStream, fresh_model, make
from tests.unchecked import unchecked


def steps_of(folder, is_joined, number=4, **given):
    """Take some steps; return the trainer, and the passes of each step."""
    folder.mkdir()
    trainer = make(folder, max_steps=number, log_every=1, sub_batch_tokens=16, joint_tokens=1000, **given)
    if not is_joined:
        trainer.builder.joins, trainer.builder.limit = False, 1
    passes, predict = [], trainer.model.predict

    def counted(batch):
        passes.append(trainer.progress.step + 1)
        return predict(batch)

    trainer.model.predict = counted
    trainer.start()
    for _ in range(number):
        trainer.step()
    return trainer, [passes.count(step) for step in range(1, number + 1)]


@pytest.mark.parametrize(
    ("given", "passes"),
    [
        ({"method": Fixed(task_weights=[1.0, 3.0])}, [1, 1, 1, 1]),
        ({"method": CATS(inner_steps=2)}, [2, 1, 2, 1]),
        ({"method": FAMO()}, [1, 1, 1, 1]),
        ({"optimizer": SAM.model_validate({"from": 0})}, [2, 2, 2, 2]),
    ],
    ids=["fixed", "cats", "famo", "sam"],
)
def test_parameters_losses_and_tokens_are_the_same(tmp_path, given, passes):
    joined, found = steps_of(tmp_path / "joined", True, **given)
    apart, each = steps_of(tmp_path / "apart", False, **given)
    assert sorted(found) == sorted(passes)
    assert each == [3 * (2 if "optimizer" in given else 1)] * 4
    for name, parameter in joined.model.state_dict().items():
        if name.endswith("k_proj.bias"):
            continue  # whose gradient is 0, and Adam makes steps of its rounding
        torch.testing.assert_close(parameter, apart.model.state_dict()[name], rtol=1e-4, atol=1e-5)
    assert joined.progress.tokens == apart.progress.tokens
    assert joined.latest_nll == pytest.approx(apart.latest_nll, rel=1e-5)
    assert joined.balancer.weights == pytest.approx(apart.balancer.weights, rel=1e-4, nan_ok=True)


def test_the_losses_of_a_joined_batch_are_those_of_its_tasks():
    model, batches = fresh_model().eval(), FixedStream().batches
    parts = [part for found in batches.values() for part in found]
    joined = join_batches(parts, [0, 1, 1], VOCABULARY.pad_id)
    smoothed, nll = joined_losses(model, joined, 0.1, 2)
    expected = [torch.stack(batch_losses(model, part, 0.1)) for part in parts]
    sums = torch.stack([expected[0], expected[1] + expected[2]])
    torch.testing.assert_close(torch.stack([smoothed.double(), nll], 1), sums, rtol=1e-6, atol=0)


def test_a_model_that_reads_the_direction_or_a_small_limit_joins_nothing(tmp_path):
    small = make(tmp_path / "small", sub_batch_tokens=16, joint_tokens=16)
    small.builder.launch = 1e9
    assert small.builder.build(small.stream.take(1), small.balancer.request).batch is not None  # short ones fit
    small.builder.limit = 4
    assert small.builder.build(small.stream.take(1), small.balancer.request).batch is None
    measuring = make(tmp_path / "measuring", CATS(inner_steps=1))
    assert measuring.builder.build(measuring.stream.take(1), measuring.balancer.request).batch is None
    other = make(tmp_path / "other")
    other.builder.joins = False
    assert other.builder.build(other.stream.take(1), other.balancer.request).batch is None


@pytest.mark.parametrize(
    ("settings", "kept", "limit"),
    [
        ({}, None, 2**28 // 8000),
        ({}, 1000, 32_768),
        ({}, 540_672, 7_943),  # of NLLB-200 with 600 million parameters
        ({"batch_tokens": 400_000}, None, 50_000),
        ({"batch_tokens": 400_000}, 540_672, 50_000),
        ({"sub_batch_tokens": 64}, 1000, 64),
        ({"sub_batch_tokens": 64, "joint_tokens": 256}, 1000, 256),
    ],
)
def test_how_much_a_pass_of_several_tasks_holds(settings, kept, limit):
    assert (SCORES, KEPT, POSITIONS) == (2**28, 2**32, 2**15)
    assert TrainingConfig(**settings).joint_limit(8000, kept) == limit


def test_the_vocabulary_counts_where_all_scores_are_there(tmp_path):
    trainer = make(tmp_path)
    model, free = trainer.model, TrainingConfig()
    assert (TrainingConfig().joint_limit(32_000), free.joint_limit(256_000)) == (2**28 // 32_000, 2**28 // 256_000)
    kept = count_kept(model)
    assert kept is not None
    assert free.joint_limit(256_000, kept) == 2**15
    unchecked(model.network).lm_head.register_forward_hook(lambda *_: None)
    assert count_kept(model) is None


def test_what_layers_keep_by_hand():
    """An encoder's layer has four products of (W, W) and two with F, a decoder's four more of (W, W)."""
    width, inner = 16, 16
    model = fresh_model()
    config = unchecked(model.network).config
    assert (config.d_model, config.encoder_ffn_dim) == (width, inner)
    assert (config.encoder_layers, config.decoder_layers) == (1, 1)
    assert count_kept(model) == 12 * 2 * width + 4 * (width + inner)


def test_the_default_is_joined(tmp_path):
    assert make(tmp_path, optimizer=DEFAULT).builder.joins


def test_parts_of_one_task_share_a_pass_in_a_step_that_measures(tmp_path):
    """But for halves, which are compared, and for parts too large to be joined, which stay in their order."""
    measuring = make(tmp_path / "measuring", sub_batch_tokens=16, joint_tokens=1000)
    batches, gramian = measuring.stream.take(1), Request("gramian")
    parts = {task: len(found) for task, found in batches.items()}
    assert max(parts.values()) == 2
    found = measuring.builder.build(batches, gramian)
    assert {task: len(losses) for task, losses in found.losses.items()} == dict.fromkeys(parts, 1)
    task = max(parts, key=parts.__getitem__)
    measuring.model.eval()
    joined = found.losses[task][0]()
    measuring.builder.limit = 4
    apart = measuring.builder.build(batches, gramian)
    assert {task: len(losses) for task, losses in apart.losses.items()} == parts
    assert joined.item() == pytest.approx(sum(part().item() for part in apart.losses[task]), rel=1e-5)
    assert sum(nll.item() for nll in found.nll[task].values()) == pytest.approx(
        sum(nll.item() for nll in apart.nll[task].values()), rel=1e-5
    )
    assert found.tokens == apart.tokens
    measuring.builder.limit = 1000
    for request in (Request("gramian", halves=True), Request()):
        losses = measuring.builder.build(batches, request).losses
        assert {name: len(of_task) for name, of_task in losses.items()}[task] == 2
