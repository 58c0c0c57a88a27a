"""The page in real headless Chromium: drawn, quiet, usable by keyboard, on a telephone, in the dark and on paper."""

import re
import shutil

import pytest

from catscale.report.corpus_page import assemble_page
from catscale.report.figures.train_pairs import train_pairs
from tests.report.test_corpus_page import make_statistics

playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright, which drives the browser")

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="apt-get install chromium: the page is tested in it")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]  # fmt: skip
DRAWN = "document.documentElement.dataset.state === 'drawn'"
VERMILLION = "series-2"  # of T=5


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def open_page(browser, report_folder):
    contexts = []

    def open_page(width=1000, **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.requests = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto((report_folder / "report.html").as_uri())
        page.wait_for_function(DRAWN)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def left(open_page):
    """A desk's page as it was opened, where the last test that had it left it so; drawing it takes seconds."""
    return []


@pytest.fixture
def desk(open_page, left):
    """A page on a desk, alone or after tests that left it as it was."""
    page = left.pop() if left else open_page()
    yield page
    is_whole = page.locator(".chips input:checked").count() == page.locator(".chips input").count()
    if is_whole and page.complaints == []:
        left.append(page)


@pytest.fixture(scope="module")
def telephone(open_page):
    """A page on a telephone, which the tests only look at."""
    return open_page(width=390, has_touch=True, is_mobile=True)


def marks(page, selector="figure"):
    """Marks of a colour that a method has, a figure."""
    return page.eval_on_selector_all(
        selector,
        "figures => figures.map(f => [...f.querySelectorAll('svg *')]"
        ".filter(e => /series-/.test(e.getAttribute('stroke') + e.getAttribute('fill'))).length)",
    )


def marks_of(page, color):
    return page.locator(f'svg [stroke*="{color})"], svg [fill*="{color})"]').count()


def test_all_figures_are_drawn_quietly_from_the_one_file(desk, report_folder):
    page = desk
    assert page.complaints == []
    assert page.requests == [(report_folder / "report.html").as_uri()]
    paths = page.eval_on_selector_all("figure", "fs => fs.map(f => f.querySelectorAll('.plot svg path').length)")
    assert len(paths) == 15
    assert min(paths) > 20
    assert sum(count > 5 for count in marks(page)) >= 10


def test_a_method_is_hidden_by_click_and_comes_back_by_keyboard(desk):
    page = desk
    before, others = marks_of(page, VERMILLION), marks_of(page, "series-1")
    assert before > 50
    heads = page.locator("th", has_text=re.compile("T=5 \\(baseline\\)"))
    maps = page.locator("#figure-similarity-direction svg text", has_text=re.compile("^T=5$"))
    assert maps.count() == 1
    assert heads.first.is_visible()
    page.get_by_label("T=5", exact=True).click()
    page.wait_for_function(DRAWN)
    assert marks_of(page, VERMILLION) == 0
    assert marks_of(page, "series-1") == others > 50
    assert maps.count() == 0
    assert not heads.first.is_visible()
    page.get_by_label("T=5", exact=True).focus()
    page.keyboard.press("Space")
    page.wait_for_function(DRAWN)
    assert marks_of(page, VERMILLION) == before
    assert page.complaints == []


def test_the_chips_are_reached_by_tab_and_hiding_all_says_so(open_page):
    page = open_page()
    for _ in range(4):
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
    page.wait_for_function(DRAWN)
    assert page.locator(".chips input:checked").count() == 0
    assert "every method of this figure is hidden" in page.locator("#figure-nll").inner_text()
    assert page.complaints == []


@pytest.mark.parametrize(("figure", "text"), [("pareto", "T=1"), ("differences", "±0.40")])  # the latter over seeds
def test_values_are_shown_at_the_pointer(desk, figure, text):
    page = desk
    page.locator(f"#figure-{figure}").scroll_into_view_if_needed()
    box = page.locator(f'#figure-{figure} svg path[fill="var(--series-1)"]').first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 - 30, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert text in page.locator("#vg-tooltip-element").inner_text()


def test_another_metric_can_be_chosen(desk):
    page = desk
    before, metric = page.locator("#figure-pareto .plot").inner_text(), page.locator("#figure-pareto select")
    chosen = metric.input_value()
    metric.select_option("chrF")
    page.wait_for_function(DRAWN)
    assert page.locator("#figure-pareto .plot").inner_text() != before
    metric.select_option(chosen)
    page.wait_for_function(DRAWN)
    assert page.locator("#figure-pareto .plot").inner_text() == before
    assert page.complaints == []


def test_a_telephone_needs_no_sideways_scrolling(open_page):
    page = open_page(width=360, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    widths = page.eval_on_selector_all(".plot svg", "all => all.map(svg => svg.getBoundingClientRect().right)")
    assert max(widths) <= 360
    page.set_viewport_size({"width": 700, "height": 360})
    page.wait_for_function("document.querySelector('#figure-pareto svg').getBoundingClientRect().width > 500")
    page.wait_for_function(DRAWN)
    assert page.complaints == []


@pytest.mark.parametrize("name", ["T=5 pieces=0 pretrained=base_copy trim=yes and more " * 3, "no_blank" * 20])
def test_long_names_stay_within_the_page(desk, name):
    page, named = desk, "document.querySelectorAll('.chips label, main section:first-child thead th[data-method]')"
    page.evaluate(f"name => {named}.forEach(e => e.append(name))", name)
    assert page.evaluate("document.documentElement.scrollWidth") == 1000
    chips = page.eval_on_selector_all(".chips label", "all => all.map(e => e.getBoundingClientRect().right)")
    assert max(chips) <= 1000
    assert page.eval_on_selector(".chips", "e => e.scrollWidth <= e.clientWidth")
    heads = page.eval_on_selector_all(
        "main section:first-child thead th[data-method]", "all => all.map(e => e.clientWidth)"
    )
    assert 0 < max(heads) <= 330
    page.evaluate(f"{named}.forEach(e => e.lastChild.remove())")


def test_light_dark_and_paper_have_their_colours(desk):
    def colors(page):
        shown = "e => [getComputedStyle(document.body).backgroundColor, getComputedStyle(e).fill]"
        return page.eval_on_selector("#figure-pareto svg text", shown)

    page = desk
    assert colors(page) == ["rgb(255, 255, 255)", "rgb(27, 31, 36)"]
    page.emulate_media(color_scheme="dark")
    assert colors(page) == ["rgb(20, 23, 26)", "rgb(230, 233, 236)"]
    page.emulate_media(color_scheme="dark", media="print")
    assert colors(page) == ["rgb(255, 255, 255)", "rgb(27, 31, 36)"]
    assert not page.locator(".chips").is_visible()
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") >= 5
    page.emulate_media(color_scheme="light", media="screen")
    assert page.complaints == []


def test_a_table_that_scrolls_says_so_on_a_telephone(telephone, desk):
    page = telephone
    region = page.locator(".scroll").first
    assert region.evaluate("e => e.scrollWidth > e.clientWidth")
    assert page.locator(".hint").first.is_visible()
    assert "linear-gradient" in region.evaluate("e => getComputedStyle(e).backgroundImage")
    first = page.locator(".scroll tbody th").first
    before = first.bounding_box()["x"]
    region.evaluate("e => { e.scrollLeft = 200; }")
    assert first.bounding_box()["x"] == before  # the direction stays in sight
    assert not desk.locator(".hint").first.is_visible()


def test_names_of_points_do_not_collide(telephone, open_page):
    for page in (telephone, open_page(width=1280)):
        boxes = page.eval_on_selector_all(
            "#figure-pareto .mark-text text",
            "all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.top, b.right, b.bottom])",
        )
        named = [box for box in boxes if box[2] - box[0] > 15]
        assert len(named) >= 4
        for place, one in enumerate(named):
            for other in named[place + 1 :]:
                across = min(one[2], other[2]) - max(one[0], other[0])
                down = min(one[3], other[3]) - max(one[1], other[1])
                assert across <= 0 or down <= 2


@pytest.mark.parametrize(("width", "fits"), [(1280, True), (390, False)])
def test_the_page_of_a_corpus_fits_its_window(browser, tmp_path, width, fits):
    statistics = make_statistics(pieces=True)
    (tmp_path / "stats.html").write_text(assemble_page(statistics, train_pairs(statistics.balance)), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((tmp_path / "stats.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    regions = page.eval_on_selector_all(".scroll", "all => all.map(e => e.scrollWidth <= e.clientWidth)")
    assert regions == [fits] * 4
    shown = [name for name in ("wide", "narrow") if page.locator(f".plot.{name}").is_visible()]
    assert shown == (["wide"] if fits else ["narrow"])
    page.close()
