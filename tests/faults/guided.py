"""One search of `test_fuzz` or `test_fuzz_readers`, led by the lines of catscale that an input reaches (atheris).

    python -m faults.guided NAME FOLDER SECONDS        (from tests/; ends with libFuzzer's "Done N runs")

FOLDER.tried tells how many inputs were checked. An input that breaks something is shown with its traceback, and kept
as FOLDER-crash-….
"""

import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["catscale"]):
    from tests.faults import fuzzing
    from tests.faults.test_fuzz import SEARCHES
    from tests.faults.test_fuzz_readers import FILES, search


def main() -> None:
    name, folder, seconds = sys.argv[1], Path(sys.argv[2]), sys.argv[3]

    def lead(test: fuzzing.Guided, tried: Callable[[], int]) -> None:
        def counting(data: bytes) -> None:
            test(data)
            folder.with_name(f"{folder.name}.tried").write_text(str(tried()))  # inputs that held enough bytes

        kept = folder.parent / f"{folder.name}-"
        options = [f"-max_total_time={seconds}", f"-artifact_prefix={kept}", "-max_len=4096"]
        atheris.Setup([sys.argv[0], *options], counting)
        atheris.Fuzz()  # ends the process

    fuzzing.lead = lead
    if name in FILES:
        search(folder, name, None)
    else:
        {found.__name__: found for found in SEARCHES}[name](folder, None)


if __name__ == "__main__":
    main()
