"""A training in stages: its plan, what is repeated and what is not, and the configuration of each stage."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from catscale.balancing.methods.fixed import Fixed
from catscale.data.direction import Direction
from catscale.distributed.processes import Processes
from catscale.errors import CheckpointError, ConfigError, DataError, Interrupted
from catscale.model.m2m100 import M2M100
from catscale.model.subnetworks import Subnetworks
from catscale.model.subnetworks_model import SubnetworksModel
from catscale.run.config import RunConfig, dump_config, parse_config
from catscale.run.folder.run_folder import open_folder
from catscale.run.method_text import configure
from catscale.run.stage_course import configure_rest, configure_stage
from catscale.run.stages import StagedTraining, assemble_rest
from catscale.sampling.temperature import TemperatureSampling
from catscale.system.reading.yaml_file import parse_yaml
from catscale.training.beginning import FROM_NOTHING, Beginning
from catscale.training.checkpointing.best_folder import write_best
from catscale.training.state import Progress
from tests.run.corpus import random_pairs
from tests.unchecked import unchecked

AZ, BE = Direction("en", "az"), Direction("en", "be")
VOCABULARY: Any = SimpleNamespace(
    size=40, bos_id=0, pad_id=1, eos_id=2, unk_id=3, tag=lambda language: 38, save=lambda folder: None
)
SIZES: dict[str, Any] = {"width": 8, "heads": 2, "feed_forward": 8, "encoder_layers": 1, "decoder_layers": 1}
CONTENT: dict[str, Any] = {
    "data": {"format": "moses", "path": "x", "source": "en", "targets": "all"},
    "model": {"architecture": "subnetworks", "rate": 0.5, "fine_tune_dropout": 0.25, **SIZES},
    "sampling": {"temperature": 5},
    "balancing": {"method": "cats"},
    "optimizer": {"schedule": "cosine", "warmup_steps": 50},
    "training": {
        "max_steps": 100, "batch_tokens": 64, "sub_batch_tokens": 16, "device": "cpu", "validate_bleu": 5,
        "select_by": "en-be", "tensorboard": True, "keep": 3,
    },
    "analysis": {"every": 10},
}  # fmt: skip


def make_config(**sections: Any) -> RunConfig:
    return parse_config({name: {**values, **sections.get(name, {})} for name, values in CONTENT.items()}, "x")


def store_with(*dev: Direction) -> Any:
    splits = {("train", direction): random_pairs(9, 1) for direction in (AZ, BE)}
    splits |= {("dev", direction): random_pairs(3, 2) for direction in dev}
    return SimpleNamespace(
        directions=(AZ, BE),
        vocabulary=VOCABULARY,
        has_split=lambda split, direction: (split, direction) in splits,
        split=lambda split, direction: splits[split, direction],
    )


class FakeTrainings:
    """Leaves a model of each stage, without training; may be interrupted at one."""

    def __init__(self, interrupted_at: str = "") -> None:
        self.seen: dict[str, tuple[RunConfig, Beginning, Direction | None]] = {}
        self.interrupted_at = interrupted_at

    def __call__(self, config: RunConfig, place: Path, beginning: Beginning, only: Direction | None) -> Progress:
        if place.name == self.interrupted_at:
            raise Interrupted("interrupted")
        self.seen[place.name] = config, beginning, only
        made = M2M100(**SIZES).build_plain(VOCABULARY, len(place.name) + (only == BE))
        place.mkdir(parents=True, exist_ok=True)
        write_best(place / "best", made.save, VOCABULARY, config.training.max_steps)
        return Progress(step=config.training.max_steps, tokens=10 * config.training.max_steps, seconds=2.0)


def carry_out(folder: Path, trainings: FakeTrainings, config: RunConfig | None = None) -> tuple[Beginning, list[str]]:
    said: list[str] = []
    staged = StagedTraining(config or make_config(), store_with(AZ, BE), folder)
    return staged.carry_out(trainings, Processes(), said.append), said


def test_every_stage_is_trained_once_and_the_last_begins_with_masks(tmp_path: Path) -> None:
    trainings = FakeTrainings()
    beginning, said = carry_out(tmp_path, trainings)
    assert list(trainings.seen) == ["plain", "en-az", "en-be"]
    assert said == [
        "stage 1 of 4: plain, 40 steps",
        "stage 2 of 4: en-az, 10 steps",
        "stage 3 of 4: en-be, 10 steps",
        "stage 4 of 4: the run's own",
    ]
    plain = tmp_path / "stages" / "plain" / "best"
    assert [found[1:] for found in trainings.seen.values()] == [
        (FROM_NOTHING, None), (Beginning(plain), AZ), (Beginning(plain), BE)
    ]  # fmt: skip
    assert beginning == Beginning(tmp_path / "stages" / "begin", 60, 600, 6.0)
    model = cast(SubnetworksModel, Subnetworks.load(tmp_path / "stages" / "begin"))
    assert (model.directions, model.rate) == ([AZ, BE], 0.5)
    base = M2M100.load_plain(plain).network.state_dict()
    assert all(tensor.equal(base[name]) for name, tensor in model.base.network.state_dict().items() if name in base)
    assert 0 < model.describe_use()["overlap"]["en-az"]["en-be"] < 1


def test_what_is_done_is_not_repeated_and_a_stage_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        carry_out(tmp_path, FakeTrainings("en-be"))
    done = json.loads((tmp_path / "stages" / "plan.json").read_text())
    spent = {
        name: {"steps": steps, "tokens": 10 * steps, "seconds": 2.0} for name, steps in (("plain", 40), ("en-az", 10))
    }
    assert done == {"max_steps": 100, "done": spent}
    trainings = FakeTrainings()
    beginning, said = carry_out(tmp_path, trainings)
    assert list(trainings.seen) == ["en-be"]
    assert said[0] == "stage 3 of 4: en-be, 10 steps"
    assert (beginning.steps, beginning.tokens) == (60, 600)
    again = FakeTrainings()
    made = (tmp_path / "stages" / "begin" / "model.safetensors").stat().st_mtime_ns
    assert carry_out(tmp_path, again)[0] == beginning
    assert not again.seen
    assert (tmp_path / "stages" / "begin" / "model.safetensors").stat().st_mtime_ns == made


def test_a_damaged_beginning_is_made_again_and_a_damaged_stage_is_named(tmp_path: Path) -> None:
    carry_out(tmp_path, FakeTrainings())
    weights = tmp_path / "stages" / "begin" / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-4])
    carry_out(tmp_path, FakeTrainings())
    assert weights.read_bytes() == content
    weights.write_bytes(b"")
    (tmp_path / "stages" / "en-az" / "best" / "model.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"stages/en-az/best is damaged"):
        carry_out(tmp_path, FakeTrainings())


def test_a_run_with_a_checkpoint_needs_its_stages_no_more(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "step-61").mkdir(parents=True)
    trainings = FakeTrainings()
    assert carry_out(tmp_path, trainings) == (Beginning(steps=60), [])
    assert not trainings.seen


def test_another_length_than_the_stages_began_with_is_refused(tmp_path: Path) -> None:
    carry_out(tmp_path, FakeTrainings())
    longer = make_config(training={"max_steps": 200})
    with pytest.raises(ConfigError, match=r"which began with 100, found 200; set it back, or choose another folder"):
        carry_out(tmp_path, FakeTrainings(), longer)


@pytest.mark.parametrize("content", ["{}", '{"max_steps": 1.5}', '{"max_steps": 100, "done": {"plain": {}}}', "x"])
def test_a_damaged_plan_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "plan.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"plan\.json cannot be read .*; train again in a new folder"):
        carry_out(tmp_path, FakeTrainings())


def test_a_direction_without_a_dev_split_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"en-be have none: add one, or set data\.holdout"):
        StagedTraining(make_config(), store_with(AZ), tmp_path).describe()


def test_the_plan_tells_the_budget_of_all_stages(tmp_path: Path) -> None:
    staged = StagedTraining(make_config(), store_with(AZ, BE), tmp_path)
    assert staged.describe() == (
        "plan: plain 40, en-az 10, en-be 10, then 40 of the run's own training: "
        "100 steps and 6,400 target tokens in all"
    )
    assert sum(stage.steps for stage in staged.stages) == staged.before == 60


def test_a_stage_has_schedules_of_its_own_length() -> None:
    config = make_config()
    plain, tuned, _ = unchecked(config.model).stages((AZ, BE), 100)
    first, second, last = configure_stage(config, plain), configure_stage(config, tuned), configure_rest(config, 60)
    assert [found.optimizer.warmup_steps for found in (first, second, last)] == [20, 5, 20]
    assert [unchecked(found.optimizer).total_steps for found in (first, second, last)] == [40, 10, 40]
    assert [found.training.max_steps for found in (first, second, last)] == [40, 10, 100]
    assert last.training == config.training
    assert (first.balancing, first.sampling) == (config.balancing, config.sampling)
    assert (second.balancing, second.sampling) == (Fixed(), TemperatureSampling())
    assert [found.training.select_by for found in (first, second)] == ["en-be", "mean"]
    for found in (first, second):
        kept = found.training.keep, found.training.validate_bleu, found.training.tensorboard, found.analysis.every
        assert kept == (1, None, False, None)
    assert (unchecked(first.model).dropout, unchecked(second.model).dropout) == (0.1, 0.25)
    at_once = make_config(optimizer={"warmup_steps": 0})
    assert configure_rest(at_once, 60).optimizer.warmup_steps == 0


def test_a_warm_up_is_never_shortened_to_nothing() -> None:
    config = make_config(optimizer={"warmup_steps": 3})
    assert configure_rest(config, 99).optimizer.warmup_steps == 1


def test_other_trainings_have_one_stage(tmp_path: Path) -> None:
    config = parse_config({**CONTENT, "model": SIZES}, "x")
    assert configure_rest(config, 0) is config
    assembly = assemble_rest(config, store_with(AZ, BE), tmp_path)
    assert (assembly.config, assembly.beginning) == (config, Beginning())


def test_the_rest_of_a_training_is_put_together_with_what_went_before(tmp_path: Path) -> None:
    assembly = assemble_rest(make_config(), store_with(AZ, BE), tmp_path)
    assert assembly.beginning == Beginning(steps=60)
    assert unchecked(assembly.config.optimizer).total_steps == 40
    alone = replace(assembly, only=BE)
    assert (list(alone.tasks), list(alone.validation)) == ([BE], [BE])
    assert isinstance(alone.build_model(torch.device("cpu")), SubnetworksModel)


def test_a_run_s_own_record_is_the_user_s_configuration(tmp_path: Path) -> None:
    """Schedules are not planned in it, for each stage has its own length; so the same command finds its run again."""
    config = make_config()
    assert unchecked(config.optimizer).total_steps is None
    again = parse_config(parse_yaml(dump_config(config)), "config.yaml", is_of_run=True)
    assert dump_config(again) == dump_config(config)
    (tmp_path / "config.yaml").write_text(dump_config(config))
    (tmp_path / ".catscale").write_text('{"kind": "run"}')
    open_folder(tmp_path, config)
    with pytest.raises(ConfigError, match=r"model\.rate: 0\.5 there, 0\.25 now"):
        open_folder(tmp_path, make_config(model={"rate": 0.25}))


def test_the_clock_does_not_end_a_training_in_stages() -> None:
    with pytest.raises(ConfigError, match=r"divides training\.max_steps among them, found training\.max_minutes = 5;"):
        make_config(training={"max_minutes": 5})


def test_patience_counts_in_each_stage_and_what_one_leaves_is_given_to_none(tmp_path: Path) -> None:
    """As the page of the architecture says: nothing in a stage follows its length."""

    class Impatient(FakeTrainings):
        def __call__(self, config: RunConfig, place: Path, beginning: Beginning, only: Direction | None) -> Progress:
            ended = super().__call__(config, place, beginning, only)
            return replace(ended, step=4, tokens=40)

    trainings = Impatient()
    beginning, _ = carry_out(tmp_path, trainings, make_config(training={"patience": 2}))
    assert [found[0].training.patience for found in trainings.seen.values()] == [2, 2, 2]
    assert [found[0].training.max_steps for found in trainings.seen.values()] == [40, 10, 10]
    assert (beginning.steps, beginning.tokens) == (60, 120)


def test_a_sweep_names_it_at_the_same_budget() -> None:
    plain = parse_config({**CONTENT, "model": {"dropout": 0.2, **SIZES}}, "x")
    found = configure(plain, "T=2+subnetworks:rate=0.6", 4)
    assert found.training.max_steps == plain.training.max_steps
    assert found.model == Subnetworks(rate=0.6, dropout=0.2, **SIZES)
