"""Long names of methods in the page's tables and legends."""

from catscale.report.figures.theme import LONG, color_by_method
from catscale.report.html_tables import write_method_name


def test_a_long_name_is_broken_into_lines_and_has_a_line_of_a_legend() -> None:
    name = "T=5 pieces=150 pretrained=base/best trim=no …"
    assert len(name) > LONG
    assert write_method_name(name, 0) == f'<th scope="row" data-method="0" class=name>{name}</th>'
    assert write_method_name("T=5", 0) == '<th scope="row" data-method="0">T=5</th>'
    rows = [{"method": name}, {"method": "T=1"}]
    assert color_by_method(["T=1", name], rows)["legend"]["columns"] == 1
    assert "columns" not in color_by_method(["T=1"], rows[1:])["legend"]
