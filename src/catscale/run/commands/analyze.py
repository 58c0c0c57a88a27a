"""`catscale analyze`: curvature and gradient similarity of a run's checkpoints, also of one that is training."""

from collections.abc import Sequence
from pathlib import Path

import torch

from catscale.analysis.analysis_file import AnalysisEntry, analysis_path, merge, read_records, write_records
from catscale.analysis.analyzer import Analyzer, summarise_costs
from catscale.errors import CheckpointError
from catscale.model.table import load_model
from catscale.run.assembly import Assembly
from catscale.run.config import RunConfig
from catscale.run.device import choose_device
from catscale.run.folder.own_store import check_vocabulary, find_store
from catscale.run.folder.run_folder import load_run
from catscale.run.folder.snapshots import Snapshot, choose_snapshots
from catscale.run.stages import assemble_rest
from catscale.system.console.messages import Say
from catscale.system.console.progress import ProgressView
from catscale.system.writing.places import check_file, working_in
from catscale.training.checkpointing.checkpoint import load_checkpoint, require
from catscale.training.objective_weights import objective_weights
from catscale.training.records.metrics_file import read_metrics, select_analyses
from catscale.vocabulary.table import load_vocabulary


def analyze(folder: Path, which: str, overrides: Sequence[str], device: str | None, say: Say) -> list[AnalysisEntry]:
    """Measure checkpoints of a run; `analysis.json` is written after each.

    It reads nothing but checkpoints, whose checksums are verified, so that the run may be training meanwhile. A step
    that was measured with the same settings before is not measured again. Records that the run itself wrote to
    `metrics.jsonl` are taken over.

    Args:
        folder: The run's folder.
        which: "newest", "best", "all" or the number of a step.
        overrides: `analysis.key=value`.
        device: The device to compute on; None for the run's setting.
        say: Receives plain lines.

    Returns:
        The records of the chosen steps, in ascending order.

    Raises:
        CatscaleError: If the run has no such checkpoint, or a setting is wrong.
    """
    config = load_run(folder, overrides)
    with working_in(folder):
        return _analyze(folder, config, which, device, say)


def _analyze(folder: Path, config: RunConfig, which: str, device: str | None, say: Say) -> list[AnalysisEntry]:
    """Measure the snapshots, following no link in the folder."""
    snapshots = choose_snapshots(folder, which, say)
    chosen = choose_device(config.training.device if device is None else device)
    if config.training.threads is not None:
        torch.set_num_threads(config.training.threads)
    store = find_store(folder, config, say)
    if (folder / "best").is_dir():
        check_vocabulary(folder, load_vocabulary(folder / "best"), store)
    assembly = assemble_rest(config, store, folder)
    path = analysis_path(folder, config.analysis.split)
    check_file(path)
    metrics = folder / "metrics.jsonl"
    live = select_analyses(read_metrics(metrics), config.analysis.split) if metrics.exists() else []
    records = merge(live, read_records(path))
    steps: set[int] = set()
    for snapshot in snapshots:
        try:
            analyzer, weights = _prepare(assembly, snapshot, chosen, say)
        except CheckpointError as error:  # the run may have removed it by now
            if snapshot == snapshots[-1] and not steps:
                raise
            say(f"warning: {error}")
            continue
        steps.add(snapshot.step)
        known = {record["step"]: record for record in records}
        if known.get(snapshot.step, {}).get("settings") == analyzer.settings:
            say(f"step {snapshot.step} was analysed with these settings before")
        else:
            records = merge(records, [_measure(analyzer, snapshot.step, weights)])
        write_records(path, records)
    return [record for record in records if record["step"] in steps]


def _prepare(
    assembly: Assembly, snapshot: Snapshot, device: torch.device, say: Say
) -> tuple[Analyzer, dict[str, float] | None]:
    """Return the analyzer of a snapshot's model, and the weights of the objective at its step.

    Raises:
        CheckpointError: If the checkpoint is damaged, or gone.
    """
    content = load_checkpoint(snapshot.checkpoint)
    require(snapshot.checkpoint, content, ("balancer", "sampler"))
    model = assembly.config.model.hold_fixed(load_model(snapshot.folder).to(device))
    analyzer = assembly.build_analyzer(model)
    balancer, stream = assembly.build_balancer(model), assembly.build_stream()
    coming = snapshot.step + 1 - assembly.beginning.steps
    before = objective_weights(balancer, stream, coming)
    balancer.load_state_dict(content["balancer"])
    stream.sampler.load_state_dict(content["sampler"])
    weights = objective_weights(balancer, stream, coming)
    if not snapshot.is_own and weights != before:  # they move, and those of this step no longer exist
        weights = None
        say(f"the total is left out: the checkpoint of step {snapshot.step}, which has its weights, is not kept")
    elif weights is None and assembly.config.analysis.total:
        say(f"the total is left out: {balancer.method.name} finds its weights from the gradients of the coming step")
    return analyzer, weights


def _measure(analyzer: Analyzer, step: int, weights: dict[str, float] | None) -> AnalysisEntry:
    """Measure one record, showing progress as a bar, or in a log as a line for each part."""
    with ProgressView(1, 0, label=f"step {step}") as view:

        def watch(done: int, total: int, note: str) -> None:
            view.set_total(total)
            if not view.advance(done, note):
                view.say(f"step {step}  {done}/{total}  {note}")

        record = {"step": step, **analyzer.measure(step, weights, watch)}
        view.say(f"step {step}  analysed in {summarise_costs(record)}")
    return record
