"""Reports in a real browser: no complaint in the console, sections visible, themes, and the plan's routes light up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeroute.report import html, plan_page
from edgeroute.report.graph import graph_json
from edgeroute.report.result import result_document
from tests.core.report import sample
from tests.core.report.browser import BROWSERS, DRIVERS, Browser, browser, find
from tests.core.report.test_html import SECTIONS

pytestmark = pytest.mark.browser
CHROMIUM, DRIVER = find(BROWSERS), find(DRIVERS)
MISSING = "no Chromium with its driver on PATH: apt-get install chromium chromium-driver"


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None or DRIVER is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with browser(CHROMIUM, DRIVER, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def report(chrome: Browser, tmp_path: Path) -> Browser:
    page = tmp_path / "report.html"
    page.write_text(html.render(result_document(sample.RESULT, graph_json(sample.CATALOG))), encoding="utf-8")
    chrome.complaints()
    chrome.open(page)
    return chrome


@pytest.fixture
def plan(chrome: Browser, tmp_path: Path) -> Browser:
    page = tmp_path / "plan.html"
    page.write_text(plan_page(sample.PLAN, sample.CATALOG, sample.STATES), encoding="utf-8")
    chrome.complaints()
    chrome.open(page)
    return chrome


def test_report_shows_every_section_without_complaint(report: Browser) -> None:
    tall = report.script("return arguments[0].map((id) => document.getElementById(id)?.getBoundingClientRect().height ?? 0)", SECTIONS)
    assert all(height > 60 for height in tall), dict(zip(SECTIONS, tall, strict=True))
    assert report.complaints() == []


def test_hostile_names_run_nothing(report: Browser) -> None:
    assert report.script("return document.images.length + document.scripts.length") == 1
    assert sample.HOSTILE in report.script("return document.body.innerText")


def test_report_is_no_wider_than_the_window(report: Browser) -> None:
    assert report.script("return document.documentElement.scrollWidth - innerWidth") <= 0


def test_report_follows_the_system_and_the_button(report: Browser) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    report.emulate_dark(True)
    dark = report.script(ground)
    report.emulate_dark(False)
    light = report.script(ground)
    assert dark != light
    report.script("document.getElementById('theme').click()")
    assert report.script(ground) == dark


def test_text_stands_out_in_both_themes(report: Browser) -> None:
    """WCAG 2.2, 1.4.3: body text, soft text and badges have a contrast of at least 4.5 : 1."""
    for dark in (False, True):
        report.emulate_dark(dark)
        worst = report.script(CONTRAST, ["section p", ".tile .label", ".badge.good", ".badge.warn", ".findings .what", "td", "nav a"])
        assert all(value >= 4.5 for value in worst.values()), worst
    report.emulate_dark(False)


CONTRAST = """
const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = (rgb) => 0.2126 * channel(rgb[0]) + 0.7152 * channel(rgb[1]) + 0.0722 * channel(rgb[2]);
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
const found = {};
for (const selector of arguments[0]) {
  const element = document.querySelector(selector);
  const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
  found[selector] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
return found;
"""


def test_details_open_and_the_network_is_drawn(report: Browser) -> None:
    report.script("for (const d of document.querySelectorAll('#placement details')) d.open = true")
    assert report.script("return document.querySelectorAll('.network .node').length") == 97
    assert report.script("return document.querySelector('.network').getBoundingClientRect().height") > 400


def test_plan_lights_up_the_route_that_is_pointed_at(plan: Browser) -> None:
    lit = "return [...document.querySelectorAll('#graph g.converter.lit')].map((g) => g.dataset.key.split(':')[0]).sort()"
    assert plan.script(lit) == sorted(s.converter for s in sample.STEPS)
    plan.script("document.querySelector('[data-route=\"1\"]').dispatchEvent(new MouseEvent('mouseenter'))")
    assert plan.script(lit) == ["onnx2tf", "onnxslim", "tf-quantizer"]
    plan.script("document.querySelector('[data-route=\"1\"]').dispatchEvent(new MouseEvent('mouseleave'))")
    assert plan.script(lit) == sorted(s.converter for s in sample.STEPS)
    plan.script("document.querySelector('[data-route=\"2\"]').click()")
    assert plan.script(lit) == ["ai-edge-quantizer", "onnx2tf-legacy", "onnxslim"]
    assert plan.complaints() == []


def test_plan_tells_about_a_converter_that_is_clicked(plan: Browser) -> None:
    plan.script("document.querySelector('#graph g.converter.closed').dispatchEvent(new MouseEvent('click'))")
    said = plan.script("return document.getElementById('about').innerText")
    assert f"it would leave PRELU in float at {sample.HOSTILE}" in said
    assert "none of those shown" in said
