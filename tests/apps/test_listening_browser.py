"""The listening test in a real browser, opened as a file: a listener hears, scores, reloads, saves; what was saved is then counted."""

import json
import re
import shutil
import time

import numpy as np
import pytest

from telucodec.apps.listening_page import key_path, make_listening_test
from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.evaluation.listening.abx import abx_scores
from telucodec.evaluation.listening.key import read_key
from telucodec.evaluation.listening.material import open_material
from telucodec.evaluation.listening.scores import mushra_scores
from telucodec.evaluation.listening.session import read_sessions
from telucodec.files import fits_a_line

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'telucodec[dev]'")
pytest.importorskip("scipy", reason="scipy is not installed: pip install 'telucodec[eval]'")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("chromium is not installed: apt-get install chromium", allow_module_level=True)

PATIENCE_MS = 300_000
"""A busy machine is slow, not wrong."""
SCORES = {"ours": 80, "theirs": 40, "reference": 100, "anchor_3.5_kHz": 10}


def wait_until(page, expression):
    """Playwright's own waiting evaluates strings in the page when it looks again, which the page's policy forbids."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(20)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--mute-audio"], timeout=PATIENCE_MS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def clips(telugu, tmp_path_factory):
    """Two clips of real speech, and two systems that add little and much noise."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for number in range(2):
        begin = (number + 1) * SAMPLE_RATE
        wave = telugu[:, begin : begin + 3 * SAMPLE_RATE // 2]
        for system, noise in (("reference", 0.0), ("ours", 0.002), ("theirs", 0.02)):
            noisy = wave + rng.normal(0, noise, wave.shape).astype(np.float32)
            write_audio(folder / system / f"clip{number}.flac", noisy, SAMPLE_RATE)
    return folder


@pytest.fixture
def opened(browser, clips, tmp_path):
    """open(method) -> page at its first screen, key; nothing may go wrong in the page or leave it."""
    troubles, contexts = [], []

    def open_(method="mushra", width=1000, **options):
        out = tmp_path / "ఒక పరీక్ష.html"
        material = open_material(clips, options.pop("systems", ()))
        key = make_listening_test(material, out, "telucodec listening-test make", method, **options)
        context = browser.new_context(viewport={"width": width, "height": 800})
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on(
            "request", lambda request: troubles.append(request.url) if not request.url.startswith(("file:", "blob:", "data:")) else None
        )
        page.goto(out.as_uri())
        contexts.append(context)
        assert read_key(key_path(out)) == key
        return page, key

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []


def begin(page, listener="లక్ష్మి"):
    page.locator("#listener").fill(listener)
    page.locator("#begin").click()
    ready(page)


def ready(page):
    wait_until(page, "player !== null")


def score_all(page, key):
    """With keys alone: hear each sound, score it by what it is."""
    item, places = page.evaluate("[trial.item, trial.places]")
    for place, sound in enumerate(places):
        page.keyboard.press(str(place + 1))
        wait_until(page, f"player.playing && player.current === {place}")
        score = SCORES[key.items[item].sounds[sound]]
        for _ in range(abs(score - 50) // 10):
            page.keyboard.press("PageUp" if score > 50 else "PageDown")
    wait_until(page, "toDo() === 0")


def saved(page, tmp_path):
    with page.expect_download() as download:
        page.locator("#save").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_listener_scores_by_keys_reloads_goes_on_and_saves_what_is_then_counted(opened, tmp_path):
    page, key = opened()
    begin(page)
    assert page.locator("#next").is_disabled()
    score_all(page, key)  # practice
    page.keyboard.press("Enter")
    wait_until(page, "state.stage === 'test' && player !== null && toDo() > 0")
    before = page.evaluate("JSON.stringify(trials)")
    page.keyboard.press("2")
    wait_until(page, "state.draft.heard[1]")
    page.keyboard.press("ArrowUp")
    page.reload()
    ready(page)
    assert page.evaluate("JSON.stringify(trials)") == before
    assert page.evaluate("[state.listener, state.draft.heard[1], state.draft.ratings[1]]") == ["లక్ష్మి", True, 51]
    page.keyboard.press("2")
    wait_until(page, "player.current === 1")
    page.keyboard.press("ArrowDown")
    score_all_again = "state.draft.ratings = state.draft.ratings.map(() => null)"
    page.evaluate(score_all_again)
    score_all(page, key)
    page.keyboard.press("Enter")
    wait_until(page, "state.answers.length === 1 && player !== null && toDo() > 0")
    score_all(page, key)
    page.locator("#next").click()
    path = saved(page, tmp_path)
    scores = mushra_scores(key, read_sessions([path], key))
    assert {system.name: system.overall.mean for system in scores.systems} == SCORES
    assert scores.listeners == ("లక్ష్మి",)
    assert json.loads(path.read_text("utf-8"))["answers"][0]["seconds"] > 0
    page.reload()
    page.locator("#save").wait_for()  # what is done stays until it is given up


def test_a_listener_answers_abx_trials(opened, tmp_path):
    page, key = opened("abx", systems=["theirs"], repeats=1)
    begin(page, "b")
    for number in range(3):  # the first is practice
        for letter, place in (("a", 0), ("b", 1), ("x", 2)):
            page.keyboard.press(letter)
            wait_until(page, f"player.playing && player.current === {place}")
        # X played is the one of A and B that its samples say
        same_as_a = page.evaluate("player.waves[2].every((sample, n) => sample === player.waves[0][n])")
        right = "1" if same_as_a else "2"
        wrong = "2" if same_as_a else "1"
        page.keyboard.press(wrong if number == 2 else right)
        wait_until(page, "toDo() === 0")
        page.keyboard.press("Enter")
        if number < 2:
            wait_until(page, f"state.stage === 'test' && state.answers.length === {number} && player !== null && toDo() > 0")
    (system,) = abx_scores(key, read_sessions([saved(page, tmp_path)], key)).systems
    assert (system.name, system.overall.correct, system.overall.trials) == ("theirs", 1, 2)


def test_a_phone_shows_the_grades_of_the_scale_too(opened):
    page, _ = opened()
    page.set_viewport_size({"width": 360, "height": 800})
    begin(page)
    scale = page.locator(".row.scale")
    assert scale.is_visible() and scale.locator(".grades span").count() == 5
    assert scale.locator(".grades").bounding_box()["width"] > 0.9 * page.locator("#score-1").bounding_box()["width"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_change_of_sound_keeps_the_place_and_has_no_gap_and_the_part_repeats(opened):
    page, _ = opened()
    begin(page)
    found = page.evaluate("""async () => {
        const rate = 16000, size = 20000, waves = player.waves.slice(0, 2), hears = [];
        const offline = new OfflineAudioContext(1, 32000, rate), other = new Player(offline, waves);
        other.cut(0.25, 1.25);
        other.choose(0, 0);
        other.choose(1, 0.5);
        other.start(0);
        const heard = (await offline.startRendering()).getChannelData(0);
        const off = (n, wave) => Math.abs(heard[n] - wave[4000 + n % 16000]);
        let first = 0, second = 0, wrapped = 0, least = Infinity;
        for (let n = 80; n < 8000; n++) first = Math.max(first, off(n, waves[0]));
        for (let n = 8080; n < 15900; n++) second = Math.max(second, off(n, waves[1]));
        for (let n = 16100; n < 31900; n++) wrapped = Math.max(wrapped, off(n, waves[1]));
        for (let n = 8000; n < 8080; n++) {  // between the two while they fade
            const [low, high] = [waves[0][4000 + n], waves[1][4000 + n]].sort((p, q) => p - q);
            least = Math.min(least, heard[n] - low, high - heard[n]);
        }
        return {first, second, wrapped, least, differ: waves[0].some((sample, n) => Math.abs(sample - waves[1][n]) > 1e-3)};
    }""")
    assert found["differ"]
    assert max(found["first"], found["second"], found["wrapped"]) < 1e-6
    assert found["least"] > -1e-6


def test_other_listeners_get_other_orders_and_the_same_one_the_same(opened):
    page, key = opened()
    orders = page.evaluate("[...Array(40).keys()].map((n) => trialsOf(`seed/${n}`).map((each) => each.places.join('')).join(' '))")
    assert len(set(orders)) > 30
    assert orders == page.evaluate("[...Array(40).keys()].map((n) => trialsOf(`seed/${n}`).map((each) => each.places.join('')).join(' '))")
    first = [order[0] for order in orders]
    assert all(2 <= first.count(str(sound)) <= 25 for sound in range(len(key.systems)))  # of 40, each sound comes first sometimes


@pytest.mark.parametrize("width", [360, 1000])
@pytest.mark.parametrize("method", ["mushra", "abx"])
def test_nothing_overlaps_or_is_wider_than_the_screen_in_either_language(opened, method, width):
    page, _ = opened(method, width)
    for _ in range(2):
        assert overlaps(page) == []
        page.locator("#language").click()
    begin(page)
    for _ in range(2):
        assert overlaps(page) == []
        page.locator("#language").click()
    telugu = {page.locator("#title").inner_text() for _ in range(2) if page.locator("#language").click() is None}
    assert telugu == {"Listening test", "వినికిడి పరీక్ష"}


def overlaps(page):
    """What covers something else, or goes beyond the width of the page or of its own box."""
    return page.evaluate("""() => {
        const parts = "main > *, button, input, output, .part label > span, li, .grades span";
        const shown = [...document.querySelectorAll(parts)].filter((part) => part.getClientRects().length);
        const found = shown.filter((part) => part.getBoundingClientRect().right > innerWidth + 0.5).map((part) => part.id + " is too wide");
        if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
        for (const part of shown) if (part.tagName === "BUTTON" && part.scrollWidth > part.clientWidth + 1) found.push(part.id + " is too narrow for its words");
        for (const a of shown) for (const b of shown) {
            if (a === b || a.contains(b) || b.contains(a)) continue;
            const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
            const x = Math.min(p.right, q.right) - Math.max(p.left, q.left), y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
            if (x > 0.5 && y > 0.5) found.push(`${a.id || a.textContent} covers ${b.id || b.textContent}`);
        }
        return found;
    }""")


def test_the_page_holds_no_name_of_a_system_and_no_clip(clips, tmp_path):
    make_listening_test(open_material(clips), tmp_path / "page.html", "make", mid_anchor=True)
    page = (tmp_path / "page.html").read_text("utf-8")
    page = re.sub(r'"[A-Za-z0-9+/=]{100,}"', "sound", page)  # letters of sound may spell anything
    assert page.count("sound,") > 4
    for name in ("ours", "theirs", "clip0", "clip1", "anchor", "kHz", clips.name):
        assert name not in page


def test_the_same_seed_makes_the_same_page_and_another_seed_another_order(clips, tmp_path):
    first, again, other = (
        make_listening_test(open_material(clips), tmp_path / f"{n}.html", "make", seed=seed) for n, seed in enumerate((1, 1, 2))
    )
    assert (tmp_path / "0.html").read_bytes() == (tmp_path / "1.html").read_bytes()
    assert (first.test, first.items) == (again.test, again.items)
    assert first.test != other.test and first.items != other.items


def test_a_name_that_was_pasted_is_one_that_is_counted(opened):
    page, _ = opened("abx", systems=["theirs"], repeats=1)
    begin(page, "\u2068\u202eరాజ్\u200cకుమార్\u2069\x07")
    name = page.evaluate("state.listener")
    assert name == "రాజ్\u200cకుమార్" and fits_a_line(name)


def test_a_second_tab_goes_on_where_the_first_is_and_loses_nothing_of_it(opened, tmp_path):
    page, key = opened()
    begin(page, "山田\u3000太郎")
    other = page.context.new_page()
    other.goto(page.url)
    ready(other)
    score_all(other, key)
    other.keyboard.press("Enter")
    wait_until(other, "state.stage === 'test' && player !== null && toDo() > 0")
    score_all(other, key)
    other.keyboard.press("Enter")
    wait_until(other, "state.answers.length === 1")
    with page.expect_navigation():
        page.keyboard.press("1")
    wait_until(page, "state.answers.length === 1 && player !== null")
    page.keyboard.press("1")
    wait_until(page, "state.draft.heard[0]")
    page.reload()
    wait_until(page, "state.answers.length === 1")
