"""What a device reaches: equality with a processor, training, each setting on and off, balancing, rivals, decoding.

    python -m benchmarks.device.carried            # before: the corpus, of ../shared/data or CATSCALE_DATA
    python -m benchmarks.gpu [--json FILE] [--seconds 460] [--only SECTION ...] [--small] [--device NAME]

Measures on the GPU that it finds, or on the processor at a small size. Each section has a limit of time, and all
together have one; what was measured before a limit is kept, and the file is written before anything is opened and
after every figure, with the error of a part that failed. With PYTHONPATH=src it needs no installation of catscale, and
it says which packages are missing; what needs CTranslate2 or accelerate is left out without them. Times are those of a
clock, after the device has finished; a share is 6 × parameters × target tokens a second over the device's peak in bf16.
Ends with 2 where nothing could be opened, and with 1 where the device does not compute what a processor does.
"""

import argparse
import json
import platform
import re
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
TORCH = (2, 11)
"""The earliest version of torch that catscale runs with, as in pyproject.toml."""
SECONDS = 460
"""Seconds of all sections: eight minutes, less the start."""
AGAIN = 3.0
"""Seconds after which an interruption that was swallowed is repeated."""


class UnusableError(Exception):
    """Packages that are missing or too old."""


class OutOfTimeError(BaseException):
    """A section has used up its time; not an `Exception`, which the code that it interrupts may catch."""


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    report: dict[str, Any] = {"how": {"python": platform.python_version()}, "sections": {}, "rows": []}
    save(report, options.json)
    end, opened = time.monotonic() + options.seconds, list[Any]()
    with noting(report, "open", options.seconds, options.json):
        require_packages()
        sections = import_module("benchmarks.device.sections")
        bench = sections.open_bench(options.carried, options.device, options.small)
        report["how"] |= sections.describe(bench)
        opened = [section for section in sections.SECTIONS if not options.only or section.name in options.only]
    for section in opened:
        run_section(section, bench, report, min(section.seconds, end - time.monotonic()), options.json)
    print(render(report))
    if report["sections"]["open"]["outcome"] != "done":
        return 2
    return int(any(row.get("ok") is False for row in report["rows"]))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--carried", type=Path, default=Path("carried"), help="the folder of the carried corpus")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 … (a GPU where there is one)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for all sections together")
    parser.add_argument("--only", nargs="+", default=[], metavar="SECTION", help="these sections alone")
    parser.add_argument("--small", action="store_true", help="tiny models and few tokens, as on a processor")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args(arguments)


def require_packages() -> None:
    """Say what is left out without packages that are useful.

    Raises:
        UnusableError: If one that is needed is missing, or torch is too old.
    """
    if lacking := missing(NEEDED):
        raise UnusableError(
            f"missing here: {', '.join(lacking)}; install them, and see pyproject.toml for their versions"
        )
    require_torch(import_module("torch").__version__)
    for name in missing(tuple(USEFUL)):
        print(f"without {name}: no figures of {USEFUL[name]}")


def require_torch(version: str) -> None:
    """Refuse a version of torch that catscale does not run with.

    Raises:
        UnusableError: If it is too old, or cannot be read.
    """
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None or tuple(map(int, found.groups())) < TORCH:
        least = ".".join(map(str, TORCH))
        raise UnusableError(f"torch must be {least} or later, found {version}; install torch>={least}")


def missing(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if not _is_there(name)]


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the package that it would be in
        return False


def run_section(section: Any, bench: Any, report: dict[str, Any], seconds: float, path: Path | None) -> None:
    """Take a section's rows as they come; a limit or an error ends the section and keeps the rows."""
    if seconds <= 1:
        report["sections"][section.name] = {"outcome": "no time was left", "seconds": 0.0}
        save(report, path)
        return
    with noting(report, section.name, seconds, path):
        for row in section.run(bench):
            report["rows"].append({"section": section.name, **row})
            save(report, path)


@contextmanager
def noting(report: dict[str, Any], name: str, seconds: float, path: Path | None) -> Iterator[None]:
    """Note how the block ended and what time it took; its limit and its errors end the block alone."""
    outcome, started = "done", time.monotonic()
    try:
        with time_limit(seconds):
            yield
    except OutOfTimeError:
        outcome = f"cut off after {seconds:.0f} s"
    except UnusableError as error:
        outcome = str(error)
    except Exception as error:  # a section that fails must not take the others' minutes with it
        outcome = f"{type(error).__name__}: {error}"[:300]
    report["sections"][name] = {"outcome": outcome, "seconds": round(time.monotonic() - started, 1)}
    save(report, path)
    print(f"{name}: {outcome}, {time.monotonic() - started:.0f} s", flush=True)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTimeError` inside the block when its time is over, and again as long as the block goes on."""
    is_over = False

    def stop(number: int, frame: FrameType | None) -> None:
        if not is_over:
            raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        is_over = True
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
