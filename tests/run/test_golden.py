"""The resolved settings are those on record: `python tests/run/make_golden.py` writes them anew."""

import pytest

from tests.run.make_golden import GOLDEN, resolve_all

ON_RECORD = {path.relative_to(GOLDEN).as_posix(): path.read_text(encoding="utf-8") for path in GOLDEN.rglob("*.yaml")}


@pytest.fixture(scope="module")
def resolved() -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CATSCALE_DATA", raising=False)
        patch.delenv("CATSCALE_BENCHMARKS", raising=False)
        return resolve_all()


def test_the_files_are_those_on_record(resolved: dict[str, str]) -> None:
    assert resolved.keys() == ON_RECORD.keys(), "run python tests/run/make_golden.py"


@pytest.mark.parametrize("name", sorted(ON_RECORD))
def test_settings_are_those_on_record(resolved: dict[str, str], name: str) -> None:
    assert resolved[name] == ON_RECORD[name], "a default changed: if it is meant, run python tests/run/make_golden.py"
