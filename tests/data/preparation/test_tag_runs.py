from catscale.data.preparation.cleaning import CleanChunk
from catscale.data.preparation.hashing import NONE
from catscale.data.preparation.tag_runs import TagRuns, read_runs


def chunk(count):
    return CleanChunk([("a", "b")] * count, NONE, NONE)


def test_runs_tell_the_tag_of_every_pair():
    chunks = [(None, chunk(2)), (None, chunk(1)), ("bt", chunk(0)), ("bt", chunk(2)), (None, chunk(1))]
    runs = TagRuns()
    assert [len(each.pairs) for each in runs.watch(chunks)] == [2, 1, 0, 2, 1]
    assert runs.to_json() == [[None, 3], ["bt", 2], [None, 1]]
    assert list(read_runs(runs.to_json(), 0)) == [None, None, None, "bt", "bt", None]
    assert list(read_runs(runs.to_json(), 4)) == ["bt", None]
