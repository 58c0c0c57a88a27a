"""The first lines that show what a figure counts."""

from catscale.corpus_statistics.examples import KINDS, LONGEST, MOST, Example, Places, look_up


def located(count, read=None):
    for n in range(count):
        if read is not None:
            read.append(n)
        yield f"file{n // 5}", n % 5 + 1, (f"source {n}", f"target {n}")


def test_the_first_places_of_a_kind_are_kept():
    places = Places()
    places.add("empty", [4])
    places.add("empty", iter([7, 8, 9, 10]))
    places.add("control", [])
    assert places.found["empty"] == [4, 7, 8]
    assert len(places.found["empty"]) == MOST
    assert not any(places.found[kind] for kind in KINDS if kind != "empty")


def test_a_place_counts_once():
    """A line may have a control character on both sides."""
    places = Places()
    places.add("control", [2, 5])
    places.add("control", [5])
    assert places.found["control"] == [2, 5]


def test_places_are_looked_up_in_the_order_of_the_kinds():
    found = look_up(located(20), {"in_train": [0], "empty": [7, 3]})
    assert found == (
        Example("empty", "file1", 3, "source 7", "target 7"),
        Example("empty", "file0", 4, "source 3", "target 3"),
        Example("in_train", "file0", 1, "source 0", "target 0"),
    )


def test_one_line_may_show_two_faults():
    assert [example.kind for example in look_up(located(3), {"too_long": [1], "control": [1]})] == [
        "control",
        "too_long",
    ]


def test_no_more_is_read_than_the_last_place():
    read: list[int] = []
    look_up(located(1000, read), {"empty": [3], "control": [1]})
    assert read == [0, 1, 2, 3]
    read.clear()
    assert look_up(located(1000, read), {}) == ()
    assert read == []


def test_long_text_is_cut_and_a_file_that_became_shorter_is_no_fault():
    long = iter([("f", 1, ("s" * 1000, "t" * 201))])
    (example,) = look_up(long, {"too_long": [0, 5]})
    assert (example.source, example.target) == ("s" * LONGEST, "t" * LONGEST)
    assert LONGEST == 200
