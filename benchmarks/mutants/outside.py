"""Defects that the tests of the scripts on other people's problems must notice."""

CLAIMS, TESTS = "benchmarks/outside/toy_claims.py", "tests/outside/test_toy_claims.py"
AGREEMENT, AGREEMENTS = "benchmarks/outside/conflictfree_agreement.py", "tests/outside/test_conflictfree_agreement.py"

MUTANTS = [
    (CLAIMS, "all(count == expected for", "all(count >= expected for", TESTS),
    (CLAIMS, "not missing and max(moved) <= MOVED", "max(moved) <= MOVED", TESTS),
    (CLAIMS, "not missing and max(moved) <= MOVED", "not missing", TESTS),
    (CLAIMS, "abs(path[first:, 0] - path[first, 0])", "abs(path[first:, 0] - path[-1, 0])", TESTS),
    (CLAIMS, "max(ends) - min(ends) if ends", "max(ends) if ends", TESTS),
    (CLAIMS, "farthest <= SAME, f", "farthest >= 0, f", TESTS),
    (CLAIMS, "sum(side * end > 0 for", "sum(end > 0 for", TESTS),
    (CLAIMS, "2 * count > sizes[name]", "count > 0", TESTS),
    (CLAIMS, "len(failed) == len(methods)", "bool(failed)", TESTS),
    (CLAIMS, "toy.scale)[:, 0].argmax()", "toy.scale)[:, 0].argmin()", TESTS),
    (CLAIMS, "reached >= halves and ", "", TESTS),
    (CLAIMS, "not missing and reached", "reached", TESTS),
    (CLAIMS, " and max(abs(end) for end in ends) <= OUTER", "", TESTS),
    (CLAIMS, "starts[1].index(start)", "index", TESTS),
    (CLAIMS, 'for end in records[record][method] if end["front"]', "for end in records[record][method]", TESTS),
    (AGREEMENT, "largest = max(differences)", "largest = min(differences)", AGREEMENTS),
    (AGREEMENT, "int(largest > WORST)", "0", AGREEMENTS),
]
