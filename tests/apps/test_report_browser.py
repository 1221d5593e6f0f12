"""The report in a real browser without a network: sounds change in step, nothing is wider than the screen, the first page prints on one sheet."""

import os
import shutil

import pytest
from made_up import results, trial

from telucodec.apps.report import report
from telucodec.audio.sound_file import write_audio
from telucodec.evaluation.results import Sample, write_results

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'telucodec[dev]'")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("chromium is not installed: apt-get install chromium", allow_module_level=True)

PICTURES = os.environ.get("TELUCODEC_PICTURES")
"""Folder for pictures of the page, for whoever works on it."""
SHEET_PX = (1032, 703)
"""A4 across within its margins, 273 by 186 mm at 96 px an inch."""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(params=["en", "te"])
def address(request, tmp_path, telugu):
    names = ("ours", "ours_large", "opus", "opus_large")
    for name in ("original", *names):
        write_audio(tmp_path / "samples" / f"{name}.flac", telugu[:, 16_000:48_000] * (1.0 if name == "original" else 0.5), 16_000)
    clips = ("మా కళను.flac", "b")
    samples = [
        Sample(clip=clip, original="samples/original.flac", decoded={name: f"samples/{name}.flac" for name in names}) for clip in clips
    ]
    trials = [trial(name, clip=clip, num_bytes=700 + 90 * place) for clip in clips for place, name in enumerate(names)]
    write_results(tmp_path / "results.json", results(*trials, names=names, samples=tuple(samples)))
    report(tmp_path / "results.json", tmp_path / "report.html", language=request.param)
    return (tmp_path / "report.html").as_uri(), request.param


def test_the_report_works_without_a_network_on_any_screen_and_on_paper(browser, address):
    page = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
    troubles = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.goto(address[0])
    section = page.locator(".comparison-of").first
    section.get_by_role("button", name="Play").click()
    moved = "() => document.querySelector('.place').value > 5"
    page.wait_for_function(moved)
    assert section.locator(".card.up .name").inner_text() == "Original"
    before = page.evaluate("document.querySelector('.place').valueAsNumber")
    section.get_by_role("button", name="Ours", exact=True).click()
    assert section.locator(".card.up .name").inner_text() == "Ours"
    assert page.evaluate("document.querySelector('.place').valueAsNumber") >= before  # 2 s are not over yet
    page.locator(".comparison-of").nth(1).get_by_role("button", name="Play").click()  # one clip at a time
    assert section.locator(".card.up").count() == 0
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(COVERED) == []
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/report-{address[1]}-{width}.png", full_page=True)
    page.set_viewport_size({"width": SHEET_PX[0], "height": SHEET_PX[1]})
    page.emulate_media(media="print")
    assert page.evaluate("document.querySelector('.manager').getBoundingClientRect().height") < SHEET_PX[1]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not section.locator(".switch").is_visible()
    page.context.close()
    assert troubles == []


def test_each_clip_has_its_name_and_its_place_can_be_set_by_keys(browser, address):
    page = browser.new_context(offline=True).new_page()
    page.goto(address[0])
    section = page.get_by_role("region", name="2. b (2.0 s long)")
    bar = section.get_by_role("group", name="2. b (2.0 s long)")
    place = bar.get_by_role("slider", name="place in the clip")
    bar.get_by_role("button", name="Play").click()
    page.wait_for_function("() => playing !== null && document.querySelectorAll('.place')[1].value > 1")
    place.press("End")
    bar.get_by_role("button", name="Stop").click()
    stopped = place.evaluate("(place) => place.valueAsNumber")
    place.press("Home")
    for _ in range(60):
        place.press("ArrowRight")
    assert place.evaluate("(place) => place.valueAsNumber") == pytest.approx(60) != stopped
    bar.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelectorAll('.place')[1].value > 62")
    plots = page.locator(".plot svg")
    assert all(page.get_by_role("img", name=plots.nth(n).get_attribute("aria-label")).count() for n in range(plots.count()))
    assert page.locator("li[title]").count() == 0
    page.context.close()


def test_a_number_that_is_tapped_says_where_it_is_from(browser, address):
    page = browser.new_context(offline=True, viewport={"width": 390, "height": 800}, has_touch=True).new_page()
    page.goto(address[0])
    said = page.get_by_role("status")
    assert not said.is_visible()
    page.locator(".card .value span").first.tap()
    assert said.inner_text().startswith("From results.json, SHA-256")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("h1").tap()
    assert not said.is_visible()
    page.context.close()


COVERED = """() => {
    const shown = [...document.querySelectorAll(".card, .manager p, .manager li, h2, h3")].filter((part) => part.getClientRects().length);
    const found = [];
    for (const a of shown) for (const b of shown) {
        if (a === b || a.contains(b) || b.contains(a)) continue;
        const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
        const x = Math.min(p.right, q.right) - Math.max(p.left, q.left), y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
        if (x > 0.5 && y > 0.5) found.push(a.textContent + " covers " + b.textContent);
    }
    return found;
}"""
