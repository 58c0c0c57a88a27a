from catscale.evaluation.meter import EVERY, Watch


class View:
    """A bar that nobody sees, or that somebody does."""

    def __init__(self, seen=False):
        self.seen, self.places, self.lines = seen, [], []

    def advance(self, done, note=""):
        self.places.append((done, note))
        return self.seen

    def say(self, line):
        self.lines.append(line)


def tell(view, seconds):
    watch = Watch(view, iter(seconds).__next__)
    for name, done, total in [
        ("en-az", 100, 1200),
        ("en-az", 700, 1200),
        ("en-az", 1200, 1200),
        ("en-az", 1200, 1200),
        ("en-be", 5, 10),
    ]:
        watch.tell(name, done, total)
    return view


def test_a_log_has_a_line_now_and_then():
    view = tell(View(), [0.0, 1.0, EVERY, EVERY, EVERY + 1])
    assert view.places == [(100, "en-az"), (700, "en-az"), (1200, "en-az"), (1200, "en-az"), (1205, "en-be")]
    assert view.lines == ["en-az: 700 of 1,200 sentences"]


def test_where_somebody_sees_the_bar_no_line_is_needed():
    assert tell(View(seen=True), [0.0]).lines == []
