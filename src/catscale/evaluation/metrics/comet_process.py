"""The process that scores with the library unbabel-comet, whose requirements do not go together with ours."""

import json
import math
import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from catscale.errors import ConfigError
from catscale.system.reading.json_file import parse_json

PYTHON, MODEL = "CATSCALE_COMET_PYTHON", "CATSCALE_COMET_MODEL"
"""Environment variables: the interpreter that has the library, and the model's folder.

They are no settings: a configuration may come with a run from somebody else, and a model of the library can execute
code when it is loaded.
"""
CHECKPOINT = Path("checkpoints") / "model.ckpt"
SCRIPT = Path(__file__).with_name("comet_script.py")
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
LONGEST = 1 << 30
"""Characters of an answer."""


def find_missing() -> str:
    """Say what COMET lacks here, and the way to get it; empty where all is at hand."""
    how = f"set {PYTHON} to the Python of an environment with unbabel-comet, and {MODEL} to the folder of a model"
    python, model = os.environ.get(PYTHON), os.environ.get(MODEL)
    if not python or not model:
        return f"COMET is computed by a library in an environment of its own; {how} (docs/decoding.md)"
    if not os.access(python, os.X_OK) or Path(python).is_dir():
        return f"COMET needs a Python, and {PYTHON} = {python} is no program; {how}"
    if not (Path(model) / CHECKPOINT).is_file():
        return f"COMET needs a model, and {MODEL} = {model} has no {CHECKPOINT}; {how}"
    return ""


class CometProcess:
    """Scores sentences with a model that is loaded once.

    Args:
        python: The interpreter.
        checkpoint: The model's file.

    Raises:
        ConfigError: If the library or the model cannot be loaded.
    """

    def __init__(self, python: str, checkpoint: Path) -> None:
        self.command = [python, str(SCRIPT), str(checkpoint)]
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | OFFLINE,
                encoding="utf-8",
            )
        except OSError as error:
            raise ConfigError(f"{PYTHON} = {python} cannot be run ({error.strerror}); name another") from error
        self.version = str(self._read().get("version"))

    def score(self, sentences: Sequence[Mapping[str, str]]) -> list[float]:
        """Return the library's score of each sentence.

        Args:
            sentences: Texts under `src`, `mt` and `ref`.

        Raises:
            ConfigError: If the process fails, or its answer is none.
        """
        if self._process.stdin is not None:
            try:
                self._process.stdin.write(json.dumps({"sentences": list(sentences)}) + "\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                pass  # it says why below
        scores = self._read().get("scores")
        is_right = isinstance(scores, list) and len(scores) == len(sentences)
        if not is_right or not all(isinstance(score, float) and math.isfinite(score) for score in scores or ()):
            raise ConfigError(
                f"COMET must give a finite score for each of {len(sentences):,} sentences, and did not; try the "
                "library by itself, or leave comet out of evaluation.metrics"
            )
        return list(scores or ())

    def _read(self) -> dict[str, Any]:
        """Read the next answer."""
        line = self._process.stdout.readline(LONGEST) if self._process.stdout is not None else ""
        try:
            content = parse_json(line.encode())
        except ValueError:
            content = {"error": f"it ended with status {self._process.wait()} and no answer"}
        if not isinstance(content, dict) or "error" in content:
            reason = content.get("error") if isinstance(content, dict) else "its answer is none"
            self.stop()
            raise ConfigError(
                f"COMET failed ({str(reason)[:500]}); try `{' '.join(self.command)}` by hand, which must print a line "
                "with the version of unbabel-comet, or leave comet out of evaluation.metrics"
            )
        return content

    def stop(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.terminate()
        self._process.wait()


@lru_cache(maxsize=1)
def start(python: str, model: str) -> CometProcess:
    """Start the process, or find the one that runs; it ends with this one, whose end closes its input.

    Args:
        python: The interpreter.
        model: The model's folder.

    Raises:
        ConfigError: If the library or the model cannot be loaded.
    """
    return CometProcess(python, Path(model) / CHECKPOINT)
