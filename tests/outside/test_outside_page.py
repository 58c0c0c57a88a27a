"""The page of other people's problems says what is on record, and the record of statements is up to date."""

import json
from pathlib import Path

from benchmarks.outside.toy_claims import describe, read_records

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "results"


def test_the_page_has_the_agreement_with_conflictfree() -> None:
    content = json.loads((RESULTS / "conflictfree.json").read_text(encoding="utf-8"))
    page = " ".join((ROOT / "docs" / "outside.md").read_text(encoding="utf-8").split())
    assert f"On {content['cases']} sets of gradients" in page
    assert f"the largest difference is {content['largest']:.1e} of the step's length" in page
    assert f"(conflictfree {content['conflictfree']}, torch {content['torch']}; `results/conflictfree.json`)" in page
    assert content["largest"] <= content["allowed"]


def test_the_statements_on_record_are_those_of_the_toys_on_record() -> None:
    content = json.loads((RESULTS / "toys-published.json").read_text(encoding="utf-8"))
    assert content == describe(read_records(RESULTS))
