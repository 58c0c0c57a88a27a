import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tatoeba() -> Path:
    """The folder of the tatoeba corpus, in `CATSCALE_DATA` or beside the repository."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("CATSCALE_DATA", beside)) / "tatoeba" / "supervised"
    if not folder.is_dir():
        pytest.skip(f"no real sentences: {folder} does not exist; set CATSCALE_DATA")
    return folder
