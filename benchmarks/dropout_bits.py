"""Steps of catscale's trainer with dropout's masks from bits, and with PyTorch's own, by turns in one process.

    python -m benchmarks.dropout_bits [--steps 30] [--threads 1] [--batch-tokens 4096] [--dropout 0.1 0.3]
        [--set KEY=VALUE …]

Two trainers with the same seed take the same batches, in turns that begin with either. Figures are process CPU time:
the ratio of the medians of all steps, and the quartiles of the ratios of single ones.
Needs Multi30k (CATSCALE_DATA, or ../shared/data).
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

import torch

from catscale.data.preparation.prepare import prepare
from catscale.distributed.processes import Processes
from catscale.run.assembly import Assembly
from catscale.run.config import load_config
from catscale.run.folder.run_folder import source_commit
from catscale.system.processors import describe_processors
from catscale.training import trainer as loop
from catscale.training.trainer import Trainer

CONFIG = Path(__file__).parent.parent / "configs" / "multi30k.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--dropout", type=float, nargs="+", default=[0.1, 0.3])
    parser.add_argument("--set", nargs="*", default=[], help="settings of the configuration")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{describe_processors()}; torch {torch.__version__}; commit {source_commit()}; {options}", flush=True)
    for dropout in options.dropout:
        settings = [f"training.batch_tokens={options.batch_tokens}", "training.precision=fp32", *options.set]
        times = compare([f"model.dropout={dropout}", "training.sub_batch_tokens=null", *settings], options.steps)
        plain, bits = (statistics.median(found) for found in times)
        ratios = sorted(with_bits / without for without, with_bits in zip(*times, strict=True))
        quartiles = ", ".join(f"{value:.3f}" for value in statistics.quantiles(ratios, n=4))
        print(
            f"dropout {dropout:g}: {plain:.3f} s a step with PyTorch's masks, {bits:.3f} s from bits; ratio of medians "
            f"{bits / plain:.3f}, quartiles of ratios {quartiles}",
            flush=True,
        )


def compare(settings: list[str], steps: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each step, with PyTorch's masks and from bits."""
    times: tuple[list[float], list[float]] = [], []
    with tempfile.TemporaryDirectory() as folder:
        trainers = [make_trainer(Path(folder), name, settings) for name in ("plain", "bits")]
        for number in range(steps + 1):
            for place in (0, 1) if number % 2 else (1, 0):
                with nullcontext() if place else patch.object(loop, "draw_masks_from_bits", leave):
                    started = time.process_time()
                    trainers[place].step()
                    spent = time.process_time() - started
                if number:  # the first ones load libraries
                    times[place].append(spent)
    return times


def make_trainer(folder: Path, name: str, settings: list[str]) -> Trainer:
    """Return a trainer before its first step."""
    config = load_config(CONFIG, [f"data.store={folder}/store", *settings])
    assembly = Assembly(config, prepare(config.data, config.vocabulary, lambda line: None))
    (folder / name).mkdir()
    trainer = Trainer(assembly.build_setup(folder / name, Processes(), lambda line: None))
    trainer.start()
    return trainer


@contextmanager
def leave(device: torch.device) -> Iterator[None]:
    """Leave the masks to PyTorch."""
    yield


if __name__ == "__main__":
    main()
