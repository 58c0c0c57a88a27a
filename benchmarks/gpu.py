"""What a device reaches: training, each setting on and off, balancing, rivals, decoding, and equality with a processor.

    python -m benchmarks.device.carried            # before: the corpus, of ../shared/data or CATSCALE_DATA
    python -m benchmarks.gpu [--json FILE] [--seconds 460] [--only SECTION ...] [--small] [--device NAME]

Measures on the GPU that it finds, or on the processor at a small size. Each section has a limit of time, and all
together have one; what was measured before a limit is kept, and the file is written after every figure. With
PYTHONPATH=src it needs no installation of catscale, and it says which packages are missing. Times are those of a clock,
after the device has finished; a share is 6 × parameters × target tokens a second over the device's peak in bf16.
"""

import argparse
import json
import platform
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

NEEDED: tuple[str, ...] = ("torch", "numpy", "scipy", "pydantic", "yaml", "transformers", "sentencepiece")
NEEDED += ("google.protobuf", "safetensors", "sacrebleu", "rich", "babel", "regex")
USEFUL = {"accelerate": "Seq2SeqTrainer", "ctranslate2": "decoding by CTranslate2"}
SECONDS = 460
"""Seconds of all sections: eight minutes, less the start."""


class OutOfTimeError(Exception):
    """A section has used up its time."""


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if lacking := missing(NEEDED):
        print(f"missing here: {', '.join(lacking)}; install them, and see pyproject.toml for their versions")
        return 2
    for name in missing(tuple(USEFUL)):
        print(f"without {name}: no figures of {USEFUL[name]}")
    sections = import_module("benchmarks.device.sections")
    bench = sections.open_bench(options.carried, options.device, options.small)
    report: dict[str, Any] = {"how": {**sections.describe(bench), "python": platform.python_version()}}
    report |= {"sections": {}, "rows": []}
    end = time.monotonic() + options.seconds
    for section in sections.SECTIONS:
        if not options.only or section.name in options.only:
            run_section(section, bench, report, min(section.seconds, end - time.monotonic()), options.json)
    print(render(report))
    return 0


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--carried", type=Path, default=Path("carried"), help="the folder of the carried corpus")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 … (a GPU where there is one)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for all sections together")
    parser.add_argument("--only", nargs="+", default=[], metavar="SECTION", help="these sections alone")
    parser.add_argument("--small", action="store_true", help="tiny models and few tokens, as on a processor")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args(arguments)


def missing(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if not _is_there(name)]


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the package that it would be in
        return False


def run_section(section: Any, bench: Any, report: dict[str, Any], seconds: float, path: Path | None) -> None:
    """Take a section's rows as they come; a limit or an error ends the section and keeps the rows."""
    outcome, started = "done", time.monotonic()
    if seconds <= 1:
        outcome = "no time was left"
    else:
        try:
            with time_limit(seconds):
                for row in section.run(bench):
                    report["rows"].append({"section": section.name, **row})
                    save(report, path)
        except OutOfTimeError:
            outcome = f"cut off after {seconds:.0f} s"
        except Exception as error:  # a section that fails must not take the others' minutes with it
            outcome = f"{type(error).__name__}: {error}"[:300]
    report["sections"][section.name] = {"outcome": outcome, "seconds": round(time.monotonic() - started, 1)}
    save(report, path)
    print(f"{section.name}: {outcome}, {time.monotonic() - started:.0f} s"[:80], flush=True)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTimeError` inside the block when its time is over."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def save(report: dict[str, Any], path: Path | None) -> None:
    if path:
        path.write_text(json.dumps(report, indent=2) + "\n")


def render(report: dict[str, Any]) -> str:
    """Return one table, at most 80 columns wide."""
    lines = [f"{key}: {value}"[:80] for key, value in report["how"].items()]
    lines.append(f"{'':43} {'a second':>11} {'ms/step':>8} {'peak':>5} {'GiB':>6}")
    for row in report["rows"]:
        name = f"{row['section']}: {row['name']}"[:43]
        if "note" in row:
            lines.append(f"{name:43} {row['note']}"[:80])
            continue
        share = f"{100 * row['share']:.0f}%" if row.get("share") is not None else ""
        memory = f"{row['gib']:.1f}" if row.get("gib") is not None else ""
        lines.append(f"{name:43} {row['rate']:11,.0f} {row.get('ms', 0):8.1f} {share:>5} {memory:>6}".rstrip())
    lines += [f"{n}: {s['outcome']}"[:80] for n, s in report["sections"].items() if s["outcome"] != "done"]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
