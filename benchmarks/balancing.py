"""What balancing costs, in time and in memory, against the plain step on the same sentences.

    python benchmarks/balancing.py [--rounds 5] [--counts 8 32] [--threads 1] [--json FILE] [--only time|…]

One M2M100 model of 7.6 million parameters (width 256, 3+3 layers, 8,000 embeddings), K tasks of 16 sentences × 24
tokens, forward and backward, no optimiser. The plain step runs one forward and backward of all K tasks' sentences
concatenated. Steps that measure nothing take all tasks in one pass, as the training loop does (`batch=`), and those
that measure gradients where the variant says so ("one pass": `OwnedBatch`), whatever the counts. Variants
take turns in one process; a figure is the median of the ratios of process CPU time to the plain step of the same
round. Memory is the peak resident memory above what the process held before the step, each variant in a process of its
own. TorchJD is called as its manual says.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import M2M100Config, M2M100ForConditionalGeneration

from catscale.balancing import CATS, METHODS, OwnedBatch, TaskBalancer
from catscale.balancing.engine.gramian import gramian, products
from catscale.run.folder.run_folder import source_commit

VOCABULARY, SENTENCES, TOKENS = 8000, 16, 24
GROWTH = (4, 8, 16, 32, 64)
Step = Callable[[], object]


def build_model() -> Any:
    torch.manual_seed(0)
    return M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=VOCABULARY,
            d_model=256,
            encoder_layers=3,
            decoder_layers=3,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=1024,
            decoder_ffn_dim=1024,
            dropout=0.1,
            attention_dropout=0.1,
            encoder_layerdrop=0.0,
            decoder_layerdrop=0.0,
        )
    ).train()


def make_batch(sentences: int, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    source, target = torch.randint(4, VOCABULARY, (2, sentences, TOKENS), generator=generator)
    return {"input_ids": source, "decoder_input_ids": target, "labels": target.roll(-1, 1)}


class Bench:
    """A model, and K tasks' batches.

    Args:
        tasks: K.
        sentences: Of each task.
    """

    def __init__(self, tasks: int, sentences: int = SENTENCES) -> None:
        self.model = build_model()
        self.batches = {f"en-{n}": make_batch(sentences, n) for n in range(tasks)}
        self.together = {key: torch.cat([b[key] for b in self.batches.values()]) for key in self.batches["en-0"]}

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        loss: Tensor = self.model(**batch, use_cache=False).loss
        return loss

    def plain(self) -> None:
        self.loss(self.together).backward()

    def mixed(self) -> dict[str, Tensor]:
        """The K losses of one forward pass."""
        inputs = {name: tokens for name, tokens in self.together.items() if name != "labels"}
        logits = self.model(**inputs, use_cache=False).logits
        each = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), self.together["labels"].flatten(), reduction="none"
        )
        return dict(zip(self.batches, each.view(len(self.batches), -1).mean(1).unbind(), strict=True))

    def owned(self) -> OwnedBatch:
        """The same with the tasks of its sentences and tokens."""
        sentences = torch.arange(len(self.batches)).repeat_interleave(len(self.batches["en-0"]["labels"]))
        return OwnedBatch(self.mixed, list(self.batches), sentences)

    def balanced(self, method: Any, low_memory: bool = False, is_one_pass: bool = False) -> Step:
        balancer = TaskBalancer(
            method, list(self.batches), self.model.parameters(), low_memory=low_memory, module=self.model
        )
        losses = {name: partial(self.loss, batch) for name, batch in self.batches.items()}
        batch = self.owned() if is_one_pass else self.mixed
        return lambda: balancer.backward(losses, batch=batch)

    def torchjd(self, together: bool) -> Step:
        """K losses of K forward passes, row by row, or of one forward pass, all rows at once."""
        from torchjd.aggregation import PCGrad
        from torchjd.autojac import backward, jac_to_grad

        parameters = list(self.model.parameters())

        def step() -> None:
            if together:
                backward(torch.stack(list(self.mixed().values())))
            else:
                backward([self.loss(batch) for batch in self.batches.values()], parallel_chunk_size=1)
            jac_to_grad(parameters, PCGrad())

        return step

    def clear(self) -> None:
        for parameter in self.model.parameters():
            parameter.grad = None
            if hasattr(parameter, "jac"):
                del parameter.jac


def variants(bench: Bench) -> dict[str, Step]:
    """Steps of which every one measures, and `unmeasured`, one of the m − 1 of m that do not."""
    products = CATS(inner_steps=1, statistics="products")
    return {
        "plain": bench.plain,
        "unmeasured": bench.balanced(METHODS["fixed"](losses="tasks")),
        "cats": bench.balanced(CATS(inner_steps=1)),
        "cats, one pass": bench.balanced(CATS(inner_steps=1), is_one_pass=True),
        "cats products": bench.balanced(products),
        "cats products, one pass": bench.balanced(products, is_one_pass=True),
        "cats low memory": bench.balanced(products, low_memory=True),
        "cats low memory, one pass": bench.balanced(products, low_memory=True, is_one_pass=True),
        "cats paper": bench.balanced(CATS(inner_steps=1, formulation="paper", alpha_lr=0, multiplier_lr=0)),
        "pcgrad": bench.balanced(METHODS["pcgrad"]()),
        "gradnorm": bench.balanced(METHODS["gradnorm"](group=None)),
        "torchjd separate": bench.torchjd(together=False),
        "torchjd concatenated": bench.torchjd(together=True),
    }


def cpu_seconds(bench: Bench, step: Step) -> float:
    bench.clear()
    started = time.process_time()
    step()
    return time.process_time() - started


def measure_ratios(bench: Bench, steps: dict[str, Step], rounds: int) -> dict[str, float]:
    """Median ratio to the plain step, round by round, after one round to warm up."""
    ratios: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        seconds = {name: cpu_seconds(bench, step) for name, step in steps.items()}
        again = cpu_seconds(bench, steps["plain"])  # the plain step is on both sides of a round
        for name in steps if number else ():
            ratios[name].append(seconds[name] / ((seconds["plain"] + again) / 2))
    return {name: round(statistics.median(found), 3) for name, found in ratios.items()}


def measure_time(rounds: int, counts: list[int]) -> dict[str, dict[str, float]]:
    found = {}
    m = CATS().inner_steps
    for tasks in counts:
        bench = Bench(tasks)
        steps = variants(bench)
        others = {name: steps.pop(name) for name in list(steps) if name.startswith("torchjd")}
        ratios = measure_ratios(bench, steps, rounds)
        if tasks <= 8:  # beyond, minutes each; by themselves, for the memory they leave in disorder
            ratios |= measure_ratios(bench, {"plain": steps["plain"], **others}, max(1, rounds // 2))
        for name in [name for name in ratios if name.startswith(("cats products", "cats low", "cats,"))] + ["cats"]:
            ratios[f"{name}, m = {m}"] = round(((m - 1) * ratios["unmeasured"] + ratios[name]) / m, 3)
        found[str(tasks)] = ratios
        print(f"time, K = {tasks}:", ratios, flush=True)
    return found


def measure_growth(rounds: int, sentences: int) -> dict[str, dict[str, float]]:
    """Steps of CATS that measure, gradients or products, in K passes or in one, and that do not, on `sentences` in all,
    by K, as a ratio to K = 4."""
    methods = {
        "unmeasured": METHODS["fixed"](losses="tasks"),
        "cats": CATS(inner_steps=1),
        "cats, one pass": CATS(inner_steps=1),
        "cats products": CATS(inner_steps=1, statistics="products"),
        "cats products, one pass": CATS(inner_steps=1, statistics="products"),
    }
    benches = {tasks: Bench(tasks, sentences // tasks) for tasks in GROWTH}
    result: dict[str, dict[str, float]] = {}
    for name, method in methods.items():
        is_one_pass = name.endswith("one pass")
        steps = {tasks: bench.balanced(method, is_one_pass=is_one_pass) for tasks, bench in benches.items()}
        ratios: dict[int, list[float]] = {tasks: [] for tasks in GROWTH}
        for number in range(rounds + 1):
            seconds = {tasks: cpu_seconds(benches[tasks], steps[tasks]) for tasks in GROWTH}
            for tasks in GROWTH if number else ():
                ratios[tasks].append(seconds[tasks] / seconds[GROWTH[0]])
            for bench in benches.values():
                bench.clear()
        result[name] = {str(tasks): round(statistics.median(found), 3) for tasks, found in ratios.items()}
        print(f"growth, {sentences * TOKENS} tokens a step, {name}:", result[name], flush=True)
    return result


def measure_memory() -> dict[str, dict[str, dict[str, float]]]:
    """Peak of each variant, as a share of the plain step's; with it, in MB.

    "needed": freed memory goes back to the system at once, so that the peak is that of living tensors. "resident": as
    the C library's allocator does by default, which keeps freed memory for later.
    """
    allocators = {"needed": {"MALLOC_MMAP_THRESHOLD_": "65536"}, "resident": {}}
    result: dict[str, dict[str, dict[str, float]]] = {name: {} for name in allocators}
    for allocator, environment in allocators.items():
        for tasks in (8, 32):
            names = ["plain", "unmeasured", "cats", "cats products", "cats products, one pass", "cats low memory"]
            names += ["cats low memory, one pass", "pcgrad"]
            names += ["torchjd concatenated"] if tasks == 8 else []
            peaks = {name: peak_in_a_process(name, tasks, environment) for name in names}
            shares = {name: round(peak / peaks["plain"], 3) for name, peak in peaks.items()}
            result[allocator][str(tasks)] = {**shares, "plain, MB": round(peaks["plain"] / 1e6)}
            print(f"memory {allocator}, K = {tasks}:", result[allocator][str(tasks)], flush=True)
    return result


def peak_in_a_process(name: str, tasks: int, environment: dict[str, str]) -> int:
    command = [sys.executable, __file__, "--peak", name, "--tasks", str(tasks)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | environment)
    return int(done.stdout.split()[-1])


def print_peak(name: str, tasks: int) -> None:
    """Bytes of resident memory that one step needs above what there was before it."""
    bench = Bench(tasks)
    step = variants(bench)[name]
    warm = Bench(1, 1)  # libraries allocate at their first call
    warm.plain()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = resident("VmRSS")
    step()
    print(resident("VmHWM") - before)


def resident(field: str) -> int:
    """Bytes of a field of this process's status."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def measure_accuracy() -> dict[str, float]:
    """Largest relative error of float32 gradients' products against float64."""
    bench = Bench(8)
    rows = []
    for batch in bench.batches.values():
        bench.clear()
        bench.loss(batch).backward()
        rows.append([parameter.grad for parameter in bench.model.parameters()])
    stacked = torch.stack([torch.cat([p.double().flatten() for p in row]) for row in rows])
    exact = stacked @ stacked.T
    weights = torch.rand(8, dtype=torch.float64)
    combined = [sum(w * row[i] for w, row in zip(weights.tolist(), rows, strict=True)) for i in range(len(rows[0]))]
    found, wanted = products(rows, combined)[0], exact @ weights
    naive = (stacked.float() @ stacked.float().T).double()
    error = {
        "G": ((gramian(rows) - exact) / exact).abs().max().item(),
        "G a": ((found - wanted) / wanted).abs().max().item(),
        "one float32 product": ((naive - exact) / exact).abs().max().item(),
    }
    print("relative error:", {name: f"{value:.1e}" for name, value in error.items()}, flush=True)
    return error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--counts", type=int, nargs="+", default=[2, 4, 8, 16, 32], help="K of the times")
    parser.add_argument(
        "--sentences", type=int, nargs="+", default=[SENTENCES * 8, SENTENCES * 64], help="of the growth"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=("time", "growth", "memory", "accuracy"))
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--tasks", type=int, default=8, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.peak:
        print_peak(options.peak, options.tasks)
        return
    parts: dict[str, Callable[[], object]] = {
        "accuracy": measure_accuracy,
        "memory": measure_memory,
        "time": lambda: measure_time(options.rounds, options.counts),
        "growth": lambda: {
            str(sentences * TOKENS): measure_growth(options.rounds, sentences) for sentences in options.sentences
        },
    }
    result: dict[str, object] = {
        "commit": source_commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {options.threads} used",
        "torch": torch.__version__,
        "rounds": options.rounds,
    }
    for name, measure in parts.items():
        if options.only in (None, name):
            result[name] = measure()
            if options.json:
                options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
