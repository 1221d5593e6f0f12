"""The recording page in a real browser, whose microphone is a real Telugu clip: from consent to FLAC files and rows, through a reload."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.data.manifest import read_manifest, read_segment
from telucodec.data.recording_session import RecordingSession

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'telucodec[dev]'")
pytest.importorskip("starlette", reason="starlette is not installed: pip install 'telucodec[record]'")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("chromium is not installed: apt-get install chromium", allow_module_level=True)

from telucodec.apps.record_page import record_server

CLIP = min((Path(__file__).parents[2] / "examples" / "speech" / "test" / "cv-telugu").glob("*.flac"))
SENTENCES = ["గుంటూరు నుండి నా మిత్రుడు", "చాలా గొంగళి పురుగులు", "మంచి రోజు"]
BROWSER_RATE = 48_000
RECORD_S = 3


@pytest.fixture(scope="module")
def clip():
    """The clip [T] at 16 kHz without the silence at its ends, so that any seconds of it, over and over, hold speech."""
    wave = read_media(CLIP)[0]
    loud = np.flatnonzero(np.abs(wave) > 0.02)
    return wave[loud[0] : loud[-1]]


@pytest.fixture(scope="module")
def browser(clip, tmp_path_factory):
    """Chromium, with the clip, over and over, for a microphone."""
    heard = tmp_path_factory.mktemp("clip") / "clip.wav"
    soundfile.write(heard, soxr.resample(clip, SAMPLE_RATE, BROWSER_RATE), BROWSER_RATE, "PCM_16")
    arguments = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={heard}"]
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=[*arguments, "--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def server(tmp_path):
    session = RecordingSession(SENTENCES, tmp_path / "out")
    server = record_server(session, 0, language="te", licence="CC0-1.0")
    server.session = session
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(10)
    session.close()


def likeness(recorded, clip):
    """Median correlation of quarters of a second of `recorded` with the clip where it fits best.

    Pieces, since a browser on a busy machine drops some of its fake sound: the rest is the clip all the same, and at the clip's rate.
    """
    size = SAMPLE_RATE // 4
    pieces = [recorded[start : start + size] for start in range(0, len(recorded) - size + 1, size)]
    loudest = max(piece.std() for piece in pieces)
    return np.median([best_correlation(piece, clip) for piece in pieces if piece.std() > 0.2 * loudest])


def best_correlation(recorded, clip):
    """Correlation of the two at the lag where it is highest, the clip played over and over."""
    around = np.resize(clip, len(recorded) + len(clip))
    size = len(around) + len(recorded)
    products = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(recorded, size)), size)[: len(clip)]
    lag = int(products.argmax())
    return np.corrcoef(recorded, around[lag : lag + len(recorded)])[0, 1]


def until(page, condition):
    """Wait until `condition` is true in the page; the browser's own wait needs an eval that the page forbids."""
    for _ in range(300):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{condition} did not come true in 15 s")


def begin(page, server, speaker):
    page.goto(server.address)
    page.get_by_label("Speaker name").fill(speaker)
    page.get_by_label("and agree").check()
    page.get_by_role("button", name="Begin").click()
    page.get_by_text(SENTENCES[0]).wait_for()


def record(page):
    page.keyboard.press("Space")
    page.get_by_role("button", name="Stop").wait_for()
    until(page, f"numSamples > {RECORD_S} * microphone.sampleRate")
    page.keyboard.press("Space")
    page.locator("#accept").wait_for()


def test_a_speaker_agrees_records_listens_retakes_accepts_skips_and_goes_on_after_a_reload(browser, server, clip, tmp_path):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    troubles, asked = [], []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    begin(page, server, "లక్ష్మి")

    record(page)
    assert page.locator("#verdict").inner_text().strip()
    assert "dBFS" in page.locator("#hint").inner_text()
    page.keyboard.press("p")
    until(page, "player && player.currentTime > 0.05 && !player.error")
    page.keyboard.press("r")
    page.get_by_role("button", name="Record").wait_for()
    assert read_rows(tmp_path) == []

    record(page)
    page.get_by_role("button", name="Accept").click()
    page.get_by_text(SENTENCES[1]).wait_for()
    (row,) = read_rows(tmp_path)
    assert (row.text, row.speaker, row.language, row.licence, row.source) == (SENTENCES[0], "లక్ష్మి", "te", "CC0-1.0", "own")
    recorded = read_segment(row, tmp_path / "out")[0]
    assert RECORD_S <= len(recorded) / SAMPLE_RATE
    assert likeness(recorded, clip) > 0.95
    assert likeness(recorded[::-1], clip) < 0.7  # so that the number means something

    page.keyboard.press("s")
    page.get_by_text(SENTENCES[2]).wait_for()
    page.reload()
    page.get_by_text(SENTENCES[2]).wait_for()
    assert page.locator("#consent").is_hidden()
    assert page.locator("#progress").inner_text().startswith("1 of 3 sentences, 1 skipped")
    record(page)
    page.keyboard.press("a")
    page.get_by_text("All sentences are done").wait_for()
    assert [row.text for row in read_rows(tmp_path)] == [SENTENCES[0], SENTENCES[2]]
    assert sorted(path.name for path in (tmp_path / "out").glob(".*")) == []
    assert all(url.startswith((f"http://127.0.0.1:{server.port}/", "blob:")) for url in asked)
    assert troubles == []
    page.get_by_role("button", name="Finish").click()
    page.get_by_text("You can close this page").wait_for()
    page.close()


def read_rows(tmp_path):
    manifest = tmp_path / "out" / "manifest.csv"
    return read_manifest(manifest) if manifest.exists() else []


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overlaps_or_is_wider_than_the_screen(browser, server, tmp_path, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(server.address)
    page.get_by_role("button", name="Begin").wait_for()
    assert overlaps(page) == []
    page.get_by_label("Speaker name").fill("kavya")
    page.get_by_label("and agree").check()
    page.get_by_role("button", name="Begin").click()
    page.get_by_text(SENTENCES[0]).wait_for()
    assert overlaps(page) == []
    page.keyboard.press("Space")
    until(page, "numSamples > 20000")
    assert overlaps(page) == []
    page.keyboard.press("Space")
    page.locator("#accept").wait_for()
    assert overlaps(page) == []
    page.close()


def overlaps(page):
    """What in the page covers something else, or goes beyond its width."""
    return page.evaluate("""() => {
        const shown = [...document.querySelectorAll("main > *, button, input")].filter((part) => part.getClientRects().length);
        const found = shown.filter((part) => part.getBoundingClientRect().right > innerWidth + 0.5).map((part) => part.id + " is too wide");
        if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
        for (const a of shown) for (const b of shown) {
            if (a === b || a.contains(b) || b.contains(a)) continue;
            const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
            const x = Math.min(p.right, q.right) - Math.max(p.left, q.left), y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
            if (x > 0.5 && y > 0.5) found.push(a.id + " covers " + b.id);
        }
        return found;
    }""")


def test_a_key_does_only_what_a_button_shows_and_a_take_is_of_the_sentence_it_began_with(browser, server, tmp_path):
    page = browser.new_page()
    troubles = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    begin(page, server, "రాజ్\u200cకుమార్")
    for key in "apr":
        page.keyboard.press(key)
    assert page.locator("#trouble").is_hidden()
    record(page)
    page.keyboard.press("Space")
    page.wait_for_timeout(300)
    assert page.evaluate("pieces === null && state.take !== null")
    page.keyboard.press("a")
    page.get_by_text(SENTENCES[1]).wait_for()
    assert page.evaluate("pieces === null")
    (row,) = read_rows(tmp_path)
    assert row.speaker == "రాజ్\u200cకుమార్"

    page.keyboard.press("Space")
    page.get_by_role("button", name="Stop").wait_for()
    until(page, f"numSamples > {RECORD_S} * microphone.sampleRate")
    server.session.skip(page.evaluate("spoken"))  # as another tab may
    page.evaluate("ask('/state').then(refresh).then(show)")
    page.get_by_text(SENTENCES[2]).wait_for()
    page.keyboard.press("Space")
    page.get_by_text("another sentence is at hand by now").wait_for()
    assert len(read_rows(tmp_path)) == 1 and troubles == []
    page.close()


def test_a_take_that_reaches_the_longest_is_kept_though_pieces_go_on_coming(browser, server, monkeypatch):
    monkeypatch.setattr("telucodec.apps.record_page.MAX_TAKE_S", 1.0)
    page = browser.new_page()
    begin(page, server, "kavya")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Stop").wait_for()
    page.evaluate("hear(new Float32Array(2 * microphone.sampleRate))")
    page.locator("#accept").wait_for()
    assert page.locator("#trouble").is_hidden() and server.session.take.measures.duration_s == 1.0
    page.close()


def test_what_the_microphone_gave_before_stop_is_all_there(browser, server, tmp_path):
    page = browser.new_page()
    begin(page, server, "kavya")
    sizes = []
    for _ in range(3):
        record(page)
        sizes.append(page.evaluate("numSamples"))
        page.keyboard.press("r")
        page.get_by_role("button", name="Record").wait_for()
    assert any(size % 2048 for size in sizes)
    page.close()
