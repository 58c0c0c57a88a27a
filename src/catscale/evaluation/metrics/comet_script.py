"""Scores sentences with the library unbabel-comet, in an interpreter of its own: JSON lines in, JSON lines out.

    python comet_script.py MODEL.ckpt

It imports nothing of catscale, and runs with whatever Python and packages the library needs. The first line that it
writes tells the library's version; then each line that it reads, `{"sentences": [{"src", "mt", "ref"}, …]}`, is
answered by one, `{"scores": […]}`, or `{"error": "…"}`. What the library prints goes to standard error.
"""

import json
import os
import sys


def main() -> None:
    """Answer until standard input ends."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != here]  # it has a comet.py of ours
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(content: "dict[str, object]") -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        import comet
        import torch

        model = comet.load_from_checkpoint(sys.argv[1])
        gpus = 1 if torch.cuda.is_available() else 0
        answer({"version": str(getattr(comet, "__version__", "unknown"))})
        for line in sys.stdin:
            sentences = json.loads(line)["sentences"]
            found = model.predict(sentences, batch_size=16, gpus=gpus, progress_bar=False)
            answer({"scores": [float(score) for score in found["scores"]]})
    except Exception as error:
        answer({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
