"""The imbalance of the train data: one bar per direction, on a logarithmic scale."""

from typing import Any

from catscale.corpus_statistics.balance import Balance
from catscale.report.figures.figure import Figure
from catscale.report.figures.layout import HOVER, lay_out_plot, make_tooltips


def train_pairs(balance: Balance) -> Figure:
    """Train pairs by direction, from the smallest to the largest."""
    floor = balance.floor
    rows = [
        {"direction": name, "pairs": count, "share": count / balance.total if balance.total else 0.0, "floor": floor,
         "end": max(count, floor), "label": f"{count:,}"}
        for name, count in balance.pairs.items()
    ]  # fmt: skip
    caption = (
        f"Pairs with two sides, on a logarithmic scale from {floor:,}: a bar twice as long is not twice as much. "
        f"Entropy of the shares {balance.entropy_nats:.2f} nats = {balance.entropy_base_10:.2f} with base-10 "
        "logarithms."
    )
    names = list(balance.pairs)
    alt = (
        f"Bars of the train pairs of {len(names)} directions, logarithmic: from {names[0]} with "
        f"{balance.pairs[names[0]]:,} to {names[-1]} with {balance.pairs[names[-1]]:,}."
    )
    title = "Train pairs by direction"
    return Figure("train-pairs", "data", title, caption, alt, _bars(names, floor, rows), rows)


def choose_ticks(floor: int, most: int) -> list[int]:
    """Return powers of ten, and three times them where there are few.

    Example:
        >>> choose_ticks(100, 130_353), choose_ticks(1000, 20_000)
        ([100, 1000, 10000, 100000], [1000, 3000, 10000])
    """
    powers = [10**power for power in range(19) if floor <= 10**power <= most]
    between = [3 * power for power in powers if 3 * power <= most] if len(powers) < 4 else []
    return sorted(powers + between)


def _bars(names: list[str], floor: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    most = max(10 * floor, *(row["end"] for row in rows))
    y = {"field": "direction", "type": "nominal", "sort": names, "title": None, "axis": {"grid": False, "ticks": False}}
    x = {
        "field": "end", "type": "quantitative", "title": "train pairs, logarithmic scale",
        "scale": {"type": "log", "domain": [floor, most], "nice": False},
        "axis": {"format": "~s", "values": choose_ticks(floor, most)},
    }  # fmt: skip
    tip = make_tooltips({"direction": "direction", "pairs": ("train pairs", ","), "share": ("share", ".2%")})
    bars = {"mark": {"type": "bar", "color": "var(--series-1)", "height": {"band": 0.72}},
            "encoding": {"x": x, "x2": {"field": "floor"}, "y": y}}  # fmt: skip
    label = {"type": "text", "align": "left", "dx": 4, "color": "var(--ink)", "fontSize": 11}
    labels = {"mark": label, "encoding": {"x": x, "y": y, "text": {"field": "label"}}}
    hover = {"name": HOVER, "mark": {"type": "point", "opacity": 0},
             "encoding": {"x": x, "y": y, "tooltip": tip}}  # fmt: skip
    return lay_out_plot({"height": {"step": 19}, "layer": [bars, labels, hover]}, room=170)
