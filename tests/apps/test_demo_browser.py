"""The demonstration in a real browser, offline but for this machine: a real Telugu clip as a file, dropped, and said into the microphone."""

import base64
import os
import shutil
import threading
from pathlib import Path

import pytest
import soundfile
import soxr

from telucodec.audio.media import SAMPLE_RATE, read_media

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'telucodec[dev]'")
pytest.importorskip("starlette", reason="starlette is not installed: pip install 'telucodec[record]'")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("chromium is not installed: apt-get install chromium", allow_module_level=True)

from telucodec.apps.demo_page import demo_server

CLIPS = Path(__file__).parents[2] / "examples" / "speech" / "test" / "cv-telugu"
CLIP = min(CLIPS.glob("*.flac"), key=lambda path: path.stat().st_size)
NAME = "తెలుగు.flac"
PICTURES = os.environ.get("TELUCODEC_PICTURES")
"""Folder for pictures of the page, for whoever works on it."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium, with the clip, over and over, for a microphone."""
    heard = tmp_path_factory.mktemp("clip") / "clip.wav"
    soundfile.write(heard, soxr.resample(read_media(CLIP)[0], SAMPLE_RATE, 48_000), 48_000, "PCM_16")
    arguments = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={heard}"]
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(
            executable_path=CHROMIUM, args=[*arguments, "--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield found
        found.close()


@pytest.fixture
def page(browser, codec):
    server = demo_server(codec, 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    troubles = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on(
        "request",
        lambda request: (
            troubles.append(request.url) if not request.url.startswith((f"http://127.0.0.1:{server.port}/", "blob:", "data:")) else None
        ),
    )
    page.goto(server.address)
    yield page
    page.close()
    server.stop()
    thread.join(10)
    assert troubles == []


def until(page, condition, wait_s=60):
    """Wait until `condition` is true in the page; the browser's own wait needs an eval that the page forbids."""
    for _ in range(20 * wait_s):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{condition} did not come true in {wait_s} s; {page.locator('#trouble').inner_text()}")


def too_wide_or_covered(page):
    """What goes beyond the page's width, or covers a neighbour."""
    return page.evaluate("""() => {
        const shown = [...document.querySelectorAll("main > *, .card, fieldset label, .row > *")].filter((part) => part.getClientRects().length);
        const found = document.documentElement.scrollWidth > innerWidth ? ["the page scrolls sideways"] : [];
        for (const a of shown) for (const b of shown) {
            if (a === b || a.contains(b) || b.contains(a)) continue;
            const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
            const x = Math.min(p.right, q.right) - Math.max(p.left, q.left), y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
            if (x > 0.5 && y > 0.5) found.push(a.textContent + " covers " + b.textContent);
        }
        return found;
    }""")


def test_a_clip_is_heard_before_and_after_at_two_rates_in_step(page):
    page.set_input_files("#file", {"name": NAME, "mimeType": "audio/flac", "buffer": CLIP.read_bytes()})
    until(page, "tries.length === 1 && !busy")
    assert NAME in page.locator("#name").inner_text()
    page.get_by_text("3.2 kbps", exact=True).click()
    until(page, "tries.length === 2 && !busy")
    small, large = sorted(page.evaluate("tries.map((made) => made.bytes)"))
    assert small < 0.7 * large
    for told in (f"{small:,} bytes", f"{large:,} bytes"):
        assert told in page.locator("#cards").inner_text()
    page.get_by_role("button", name="Play").click()
    until(page, "document.querySelectorAll('.card.up').length === 1 && document.querySelector('.place').value > 2")
    page.get_by_role("button", name="Original").click()
    until(page, "document.querySelector('.card').classList.contains('up')")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert too_wide_or_covered(page) == []
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/demo-{width}.png", full_page=True)
    page.get_by_role("button", name="Stop").click()
    until(page, "document.querySelectorAll('.card.up').length === 0")


def test_a_file_chosen_while_another_is_coded_comes_next(page):
    page.evaluate(
        "(content) => { for (const name of ['one', 'two']) take(name, new Blob([bytesOf(`,${content}`)])); }",
        base64.b64encode(CLIP.read_bytes()).decode(),
    )
    assert page.locator("#told").inner_text() == "two is next"
    until(page, "tries.length === 1 && !busy && sound.name === 'two'")
    assert page.locator("#name").inner_text().startswith("two: ")


def test_files_are_dropped_and_what_is_no_sound_is_said(page):
    drop = """([name, content]) => {
        const items = new DataTransfer();
        items.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name));
        document.getElementById("drop").dispatchEvent(new DragEvent("drop", {dataTransfer: items, bubbles: true, cancelable: true}));
    }"""
    page.evaluate(drop, [NAME, base64.b64encode(CLIP.read_bytes()).decode()])
    until(page, "tries.length === 1 && !busy")
    page.evaluate("MAX_BYTES >= 1 && take('big', {size: MAX_BYTES + 1})")
    until(page, "!busy && !document.getElementById('trouble').hidden")
    assert "50 MB" in page.locator("#trouble").inner_text() and page.locator("#heard").is_hidden()


def test_a_voice_is_recorded_and_coded_and_the_microphone_let_go(page):
    page.get_by_role("button", name="Record").click()
    until(page, "pieces && numSamples > 1.5 * microphone.sampleRate")
    page.get_by_role("button", name="Stop").click()
    until(page, "tries.length === 1 && !busy")
    assert page.evaluate("microphone === null && tries[0].duration_s > 1.4")
    assert page.evaluate("tries[0].snr_db") > 3  # it was sound, and came back


def test_record_pressed_twice_opens_one_microphone_and_leaves_none(page):
    page.evaluate("""() => {
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        window.opened = [];
        navigator.mediaDevices.getUserMedia = async (wanted) => {
            await new Promise((resolve) => setTimeout(resolve, 500));
            const stream = await ask(wanted);
            window.opened.push(stream.getTracks()[0]);
            return stream;
        };
    }""")
    page.locator("#record").click()
    page.locator("#record").click()
    until(page, "pieces !== null && numSamples > 0")
    page.wait_for_timeout(700)
    page.locator("#record").click()
    until(page, "microphone === null")
    assert page.evaluate("window.opened.map((track) => track.readyState)") == ["ended"]
    until(page, "!busy")
