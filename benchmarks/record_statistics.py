"""Records what a balancing method is shown while a small real model trains, for the tests to replay.

    python benchmarks/record_statistics.py [--steps 400] [--every 2] [--out tests/balancing/recorded/cldr.json]

The corpus, the model and the budget are those of `catscale demo` (phrases of the CLDR, eight languages, T = 5), the
weights are equal throughout. Every second step is kept: task ids, losses, and the upper triangle of the Gram matrix
of the gradients over all parameters, to five digits.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from catscale.balancing import Fixed, Request, Signals
from catscale.balancing.methods.fixed import FixedState
from catscale.data.embedded.corpus import TED8_RELATED, generate_corpus
from catscale.data.preparation.prepare import prepare
from catscale.distributed.processes import Processes
from catscale.run.assembly import Assembly
from catscale.run.commands.demo import demo_config
from catscale.run.folder.run_folder import source_commit
from catscale.training.trainer import Trainer

OUT = Path(__file__).parent.parent / "tests" / "balancing" / "recorded" / "cldr.json"


@dataclass
class Tape:
    """The signals, in the order they came."""

    rows: list[dict[str, list[float]]] = field(default_factory=list)

    def note(self, signals: Signals) -> None:
        """Keep ids, losses and the upper triangle of G."""
        assert signals.gramian is not None
        size = len(signals.task_ids)
        upper = signals.gramian[*torch.triu_indices(size, size)]
        self.rows.append(
            {
                "ids": signals.task_ids.tolist(),
                "losses": [float(f"{x:.5g}") for x in signals.losses.tolist()],
                "gramian": [float(f"{x:.5g}") for x in upper.tolist()],
            }
        )


class Recorder(Fixed):
    """Equal weights, and a look at every Gram matrix."""

    losses: Literal["tokens", "tasks"] = "tasks"

    def request(self, state: FixedState) -> Request:
        return Request("gramian")

    def step(self, state: FixedState, signals: Signals) -> tuple[Tensor, FixedState]:
        TAPE.note(signals)
        return super().step(state, signals)


TAPE = Tape()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate_corpus(folder / "corpus", TED8_RELATED)
        config = demo_config(folder, options.steps).model_copy(update={"balancing": Recorder()})
        store = prepare(config.data, config.vocabulary, print)
        run = folder / "run"
        run.mkdir()
        assembly = Assembly(config, store)
        trainer = Trainer(assembly.build_setup(run, Processes(), print))
        trainer.start()
        for _ in range(options.steps):
            trainer.step()
    how = f"benchmarks/record_statistics.py --steps {options.steps} --every {options.every}, commit {source_commit()}"
    content = {"made_by": how, "tasks": list(assembly.sizes), "steps": TAPE.rows[:: options.every]}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{options.out}: {len(content['steps'])} steps, {options.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
