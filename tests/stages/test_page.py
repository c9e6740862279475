"""The interactive page, in a real headless Chromium."""

import json
import os
import re
import shutil
import time

import pytest

from helpers import REPOSITORY, run_module
from protodune.core.tables import write_table
from protodune.publish.page.planes import gather_planes
from protodune.stages.produce import infer_classical
from protodune.stages.publish import make_page

DOT = 'digraph snakemake_dag {\n 0[label = "all"];\n 1[label = "a"];\n 2[label = "b"];\n 1 -> 0\n 2 -> 1\n 2 -> 0\n}\n'
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None and "PROTODUNE_NEEDS_BROWSER" not in os.environ,
    reason="found no Chromium (apt-get install chromium); CI has one",
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


METHODS = {"wiener": ["wiener"], "cut": [{"cut": {"size_adc": 12.0}}], "deconvolution": ["coherent", "deconvolve"]}


@pytest.fixture(scope="module")
def samples(store_file, tmp_path_factory):
    folder, made = tmp_path_factory.mktemp("page"), {}
    for family in ("collection", "induction"):
        made[family] = {}
        for method, steps in METHODS.items():
            made[family][method] = str(folder / f"{method}.{family}.h5")
            infer(method, steps, family, store_file, made[family][method])
    return [{"sample": "s", "events": str(store_file), "products": made}]


def infer(method, steps, family, events, output):
    argv = ["--settings", json.dumps({"steps": steps}), "--task", "denoise", "--step", "denoise", "--method", method]
    assert infer_classical.main([*argv, "--family", family, "--events", str(events), "--output", str(output)]) == 0


def arguments(folder, samples, *more):
    (folder / "rules.dot").write_text(DOT)
    (folder / "config.json").write_text('{"note": "</script><b>"}')
    write_table(folder / "t.tsv", [{"method": "b", "mse": 4716.8123}, {"method": "a", "mse": 0.07491}], ["method", "mse"])
    about = {"samples": {"s": "simulated"}, "networks": {}, "seed": 1}
    argv = ["--samples", json.dumps(samples), "--tables", json.dumps([{"title": "Methods", "path": str(folder / "t.tsv")}])]
    argv += ["--figures", "[]", "--about", json.dumps(about), "--results", str(folder)]
    argv += ["--config", str(folder / "config.json")]
    return [*argv, "--rulegraph", str(folder / "rules.dot"), "--output", str(folder / "index.html"), *more]


def make(folder, samples, *more):
    assert make_page.main(arguments(folder, samples, *more)) == 0
    return folder / "index.html"


@pytest.fixture(scope="module")
def page_file(samples, tmp_path_factory):
    return make(tmp_path_factory.mktemp("html"), samples)


def test_the_page_loads_nothing_from_anywhere(page_file):
    text = page_file.read_text()
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=.?https?:", text)
    assert page_file.stat().st_size < 30e6
    assert "&lt;/script&gt;" in text, "settings cannot break out"


def test_the_same_input_gives_the_same_page(samples, tmp_path):
    made = []
    for _ in range(2):
        result = run_module("stages.publish.make_page", *arguments(tmp_path, samples))
        assert result.returncode == 0, result.stderr
        made.append((tmp_path / "index.html").read_bytes())
    assert made[0] == made[1]


def test_what_does_not_fit_is_counted(samples):
    twice = [*samples, {**samples[0], "sample": "again"}]
    found, _ = gather_planes(twice, 0.1)
    assert (len(found["images"]), found["left_out"]) == (3, 1)


class Browser:
    """A page in Chromium, and what its console said."""

    def __init__(self, page):
        self.page, self.said, self.asked = page, [], []
        page.on("console", lambda m: self.said.append((m.type, m.text)))
        page.on("request", lambda r: self.asked.append(r.url))
        page.on("pageerror", lambda e: self.said.append(("error", str(e))))

    def open(self, path):
        started = time.monotonic()
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("body[data-ready=yes]", timeout=20_000)
        return time.monotonic() - started

    def drawn(self):
        return int(self.page.evaluate("document.body.dataset.drawn || 0"))

    def wait_for_drawing(self, before):
        self.page.wait_for_function(f"Number(document.body.dataset.drawn || 0) > {before}", timeout=10_000)

    def model(self, name, expression):
        return self.page.evaluate(
            f"(() => {{ const m = Bokeh.documents[0].get_model_by_name('{name}'); return {expression} }})()"
        )

    def errors(self):
        return [text for kind, text in self.said if kind == "error"]


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium, page_file):
    page = chromium.new_page(viewport={"width": 1250, "height": 1200})
    found = Browser(page)
    found.open(page_file)
    found.wait_for_drawing(0)
    yield found
    page.close()


@needs_browser
def test_it_opens_without_errors(browser, page_file):
    assert browser.errors() == []
    assert [url for url in browser.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert browser.model("raw_source", "Math.max(...m.data.image[0])") > 5
    assert browser.model("truth_source", "Math.max(...m.data.image[0])") > 5
    assert browser.page.locator("svg.graph rect").count() == 3


@needs_browser
def test_a_zoom_step_redraws_all_panels(browser):
    start = browser.model("raw_figure", "[m.x_range.start, m.x_range.end]")
    before = browser.drawn()
    browser.page.mouse.move(300, 450)
    started = time.monotonic()
    browser.page.mouse.wheel(0, -300)
    browser.wait_for_drawing(before)
    assert time.monotonic() - started < 3, "benchmarks/page.py measures it"
    for panel in ("raw", "denoised", "truth", "residual"):
        low, high = browser.model(f"{panel}_figure", "[m.x_range.start, m.x_range.end]")
        assert high - low < start[1] - start[0], "the panels are linked"
    assert browser.errors() == []


@needs_browser
def test_the_cursor_tells_channel_wire_board_tick_and_adc(browser):
    browser.page.mouse.move(300, 450)
    browser.page.wait_for_function("Bokeh.documents[0].get_model_by_name('readout').text.includes('tick')")
    text = browser.model("readout", "m.text")
    for word in ("APA 0", "channel", "wire", "face", "board", "tick", "raw", "denoised", "truth"):
        assert word in text
    assert browser.model("raw_wave", "m.data.x.length") == 512, "the waveform of that channel"


@needs_browser
def test_the_selectors_change_what_is_shown(browser):
    before = browser.model("denoised_source", "Array.from(m.data.image[0])")
    count = browser.drawn()
    browser.page.get_by_label("method").select_option("cut")
    browser.wait_for_drawing(count)
    assert browser.model("denoised_figure", "m.title.text") == "denoised: cut"
    assert browser.model("denoised_source", "Array.from(m.data.image[0])") != before
    count = browser.drawn()
    browser.page.get_by_label("event and plane").select_option(index=2)
    browser.wait_for_drawing(count)
    assert browser.model("raw_figure", "m.y_range.end - m.y_range.start") == 960
    assert browser.errors() == []


@needs_browser
def test_charge_is_shown_beside_the_true_one(browser):
    count = browser.drawn()
    browser.page.get_by_label("quantity").select_option(index=1)
    browser.wait_for_drawing(count)
    assert browser.model("denoised_figure", "m.title.text") == "charge: deconvolution", "the method that has charge"
    assert browser.model("residual_figure", "m.title.text") == "charge − truth"
    assert browser.model("truth_bar", "m.title") == "electrons per tick"
    assert browser.model("raw_bar", "m.title") == "ADC"
    assert browser.model("truth_source", "Math.max(...m.data.image[0])") > 500
    assert browser.model("denoised_source", "Math.max(...m.data.image[0])") > 500
    assert browser.model("raw_wave", "m.data.y.every(isNaN)"), "raw values are no electrons"
    browser.page.mouse.move(300, 450)
    browser.page.wait_for_function("Bokeh.documents[0].get_model_by_name('readout').text.includes('electrons per tick')")
    assert browser.model("wave_values", "m.axis_label") == "electrons per tick"
    count = browser.drawn()
    browser.page.get_by_label("quantity").select_option(index=0)
    browser.wait_for_drawing(count)
    assert browser.model("denoised_bar", "m.title") == "ADC"
    assert browser.errors() == []


@needs_browser
def test_tables_sort_by_a_click(browser):
    browser.page.wait_for_selector(".slick-row")  # tables come after the first drawing
    column = browser.page.locator(".slick-header-column", has_text="mse")
    cells = browser.page.locator(".slick-row .slick-cell:first-child")
    assert cells.all_inner_texts() == ["b", "a"]
    assert browser.page.locator(".slick-row .slick-cell:nth-child(2)").all_inner_texts() == ["4,716.8", "0.0749"]
    column.click()
    assert cells.all_inner_texts() == ["a", "b"]


@needs_browser
def test_a_run_without_events_has_a_page_too(chromium, tmp_path):
    page = chromium.new_page()
    found = Browser(page)
    found.open(make(tmp_path, []))
    assert "no event to browse" in page.content() or page.get_by_text("no event to browse").count() == 1
    assert "This run made no figures." in page.content()
    assert found.errors() == []
    page.close()


@needs_browser
def test_data_without_truth_shows_what_was_removed(chromium, tmp_path):
    from helpers import DATA
    from protodune.stages.produce import convert

    convert.run(convert.ConvertSettings("run", "data"), str(DATA / "art_decoder_data.root"), None, str(tmp_path / "run.h5"))
    infer("raw", [], "induction", tmp_path / "run.h5", tmp_path / "p.h5")
    sample = {
        "sample": "run",
        "events": str(tmp_path / "run.h5"),
        "products": {"induction": {"raw": str(tmp_path / "p.h5")}},
    }
    page = chromium.new_page(viewport={"width": 1250, "height": 1200})
    found = Browser(page)
    assert found.open(make(tmp_path, [sample])) < 20
    found.wait_for_drawing(0)
    assert found.model("truth_figure", "m.title.text") == "truth: none, recorded data"
    assert found.model("residual_figure", "m.title.text") == "raw − denoised"
    count = found.drawn()
    page.get_by_label("quantity").select_option(index=1)
    found.wait_for_drawing(count)
    assert found.model("denoised_figure", "m.title.text") == "charge: no product"
    assert found.model("residual_figure", "m.title.text") == "difference: none without truth"
    assert found.errors() == []
    page.close()


def test_the_script_is_part_of_what_makes_the_page():
    assert "file_digest" in (REPOSITORY / "rules" / "paper.smk").read_text()
