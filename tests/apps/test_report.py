"""The page shows what was measured, escapes what it shows, and needs nothing else."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_up import GOOD, results, sounds, trial

from telucodec.apps.report import Further, report
from telucodec.apps.result_plots import snr_plot
from telucodec.errors import DataError, TelucodecError
from telucodec.evaluation.results import Results, Sample, write_results

HOSTILE = '<script>alert("1")</script>&amp;{{ 7*7 }}'


class Texts(HTMLParser):
    """Text of the table cells, the verdict cards and the tags of a page."""

    def __init__(self, page: str):
        super().__init__()
        self.cells: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "td":
            self._in_cell = True
            self.cells.append("")

    def handle_endtag(self, tag):
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data):
        if self._in_cell:
            self.cells[-1] += data


def page_of(tmp_path: Path, found: Results, build: dict | None = None) -> str:
    write_results(tmp_path / "results.json", found)
    if build is not None:
        (tmp_path / "build.json").write_text(json.dumps(build))
    report(tmp_path / "results.json", tmp_path / "report.html", Further(build=tmp_path / "build.json" if build is not None else None))
    return (tmp_path / "report.html").read_text()


def without_embedded(page: str) -> str:
    return re.sub(r"data:[a-z/]+;base64,[A-Za-z0-9+/=]+", "", page)


HOLES_EVERYWHERE = {
    "no pesq": results(trial(missing=("pesq",))),
    "no metric": results(trial(missing=tuple(GOOD))),
    "one contender failed": results(trial("ours"), trial("opus", failure="it broke"), names=("ours", "opus")),
    "ours failed": results(trial("ours", failure="it broke"), trial("opus"), names=("ours", "opus")),
    "no clips": results(),
    "no contenders": results(names=()),
}


@pytest.mark.parametrize("found", HOLES_EVERYWHERE.values(), ids=HOLES_EVERYWHERE)
def test_holes_are_not_measured_and_never_nan(tmp_path, found):
    page = page_of(tmp_path, found)
    assert "not measured" in page
    words = re.sub(r"<style>.*?</style>|<script>.*?</script>|<svg.*?</svg>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|inf|none|null)\b", words, re.IGNORECASE)
    assert not re.search(r"\bnan\b", without_embedded(page), re.IGNORECASE)


@pytest.mark.parametrize("found", HOLES_EVERYWHERE.values(), ids=HOLES_EVERYWHERE)
def test_nothing_passes_on_a_hole(tmp_path, found):
    cards = page_of(tmp_path, found).split('id="verdicts"')[1].split("<details>")[0].split("<h2>")[0]
    sound = next(card for card in cards.split('class="card"') if "Sounds acceptable" in card)
    measured = any(t.contender == "ours" and t.values["pesq"] is not None for t in found.trials)
    assert ("PASS" in sound) == measured
    assert ("NOT MEASURED" in sound) != measured


def test_every_number_in_the_table_comes_from_the_results(tmp_path):
    odd = {"snr_db": 31.7, "si_sdr_db": 29.3, "amplitude_percent": 73.0, "correlation": 0.613, "pesq": 4.37, "stoi": 0.739, "visqol": 2.83}
    page = page_of(tmp_path, results(trial(num_bytes=1237, **odd)))
    table = page.split('class="comparison"')[1].split("</table>")[0]
    numbers = set(re.findall(r"\d+(?:\.\d+)?", " ".join(Texts(table).cells)))
    from_results = {"31.7", "29.3", "73", "0.613", "4.37", "0.739", "2.83"}
    derived = {"9.90", "25.9", "17.0", "1", "0.030"}  # 8 * 1237 / 1000, 256 / 9.896, 10 log10(100 / 2), clips, CPU
    assert numbers == from_results | derived


def test_the_least_and_the_greatest_clip_are_on_the_page_without_a_pointer(tmp_path):
    page = page_of(tmp_path, results(trial(snr_db=11.3), trial(clip="b", snr_db=21.7)))
    assert "11.3 / 16.5 / 21.7" in " ".join(Texts(page).cells)
    (ours,) = json.loads((tmp_path / "report.json").read_text())["contenders"]
    assert (ours["snr_db_min"], ours["snr_db_max"]) == (11.3, 21.7)


def test_hostile_names_are_text(tmp_path):
    found = results(
        trial(HOSTILE, clip=HOSTILE, failure=HOSTILE), trial("opus" + HOSTILE), names=(HOSTILE, "opus" + HOSTILE), test_set=HOSTILE
    )
    found = found.model_copy(update={"samples": (Sample(clip=HOSTILE, original=HOSTILE, decoded={"opus" + HOSTILE: HOSTILE}),)})
    lists = {name: [HOSTILE] for name in ("leaks", "remarks", "rejected", "unreadable")}
    page = page_of(tmp_path, found, {"data": {HOSTILE: HOSTILE}, "seconds": {HOSTILE: 1}} | lists)
    assert [attrs for tag, attrs in Texts(page).tags if tag == "script"] == [{}]  # the page's own
    assert "&lt;script&gt;" in page and "{{ 7*7 }}" in page


def test_the_page_stands_alone(tmp_path):
    sounds(tmp_path, "samples/o.flac", "samples/r.flac")
    sample = Sample(clip="మా కళను.flac", original="samples/o.flac", decoded={"ours": "samples/r.flac"})
    page = page_of(tmp_path, results(trial(clip="మా కళను.flac"), trial("opus"), names=("ours", "opus"), samples=(sample,)))
    tags = Texts(page).tags
    assert [attrs["src"][:23] for tag, attrs in tags if tag == "audio"] == ["data:audio/flac;base64,"] * 2
    assert all(attrs["src"].startswith("data:image/png") for tag, attrs in tags if tag == "img")
    assert not {"link", "iframe"} & {tag for tag, _ in tags}
    assert [attrs for tag, attrs in tags if tag == "script"] == [{}]  # written into the page
    without_names = re.sub(r'xmlns(:xlink)?="[^"]*"', "", without_embedded(page))
    assert "://" not in re.sub(r"<metadata>.*?</metadata>", "", without_names, flags=re.DOTALL)
    assert "మా కళను" in page and "no sound was kept" in page


@pytest.mark.parametrize("name", ["../secret.flac", "/etc/hostname", "samples/missing.flac", "results.json", "samples/\0.flac"])
def test_only_sound_beside_the_results_is_embedded(tmp_path, name):
    folder = tmp_path / "run"
    folder.mkdir()
    sounds(tmp_path, "secret.flac")
    sounds(folder, "samples/o.flac")
    page = page_of(folder, results(trial(), samples=(Sample(clip="a", original="samples/o.flac", decoded={"ours": name}),)))
    assert page.count("data:audio/flac") == 1 and "Nothing to hear" in page


def test_baselines_to_hear_are_those_next_in_rate(tmp_path):
    rates = {"opus_6": 600, "opus_8": 780, "opus_12": 1200, "opus_24": 2400}
    names = ("ours", *rates)
    sounds(tmp_path, "samples/o.flac")
    sample = Sample(clip="a", original="samples/o.flac", decoded=dict.fromkeys(names, "samples/o.flac"))
    trials = [trial("ours"), *(trial(name, num_bytes=size) for name, size in rates.items())]
    page = page_of(tmp_path, results(*trials, names=names, samples=(sample,)))
    heard = [attrs["aria-label"] for tag, attrs in Texts(page).tags if tag == "audio"]
    assert heard == ["Original", "Ours", "Opus_8", "Opus_12"]


def test_the_original_that_was_judged_beside_codecs_is_heard_once_and_no_codec_to_compare_with(tmp_path):
    sounds(tmp_path, "samples/o.flac")
    sample = Sample(clip="a", original="samples/o.flac", decoded=dict.fromkeys(("ours", "original"), "samples/o.flac"))
    trials = [trial("ours"), trial("original", num_bytes=32_000)]
    page = page_of(tmp_path, results(*trials, names=("ours", "original"), samples=(sample,)))
    heard = [attrs["aria-label"] for tag, attrs in Texts(page).tags if tag == "audio"]
    assert heard == ["Original", "Ours"]
    assert "It was not compared with a known codec by PESQ." in page
    alone = results(trials[0], names=("ours",))
    assert snr_plot(results(*trials, names=("ours", "original"))) == snr_plot(alone) != ""


def test_codecs_that_were_not_run_are_not_spoken_of(tmp_path):
    found = results(trial(), trial("opus"), names=("ours", "opus"))
    peers = ("Codec2 draws phases anew", "In its voice mode Opus")
    assert not any(words in page_of(tmp_path, found) for words in peers)
    (ours, opus), page = found.contenders, page_of(tmp_path, results(trial()))
    assert "packets or frames" not in page
    for family, words in zip(("Codec2", "Opus"), peers, strict=True):
        of_family = opus.model_copy(update={"family": family})
        assert words in page_of(tmp_path, found.model_copy(update={"contenders": (ours, of_family)}))


def test_what_the_build_found_is_shown(tmp_path):
    build = {"data": {"speakers": 3, "hours": 1.25}, "seconds": {"training": 61.0, "measuring": 4000.0}, "unknown": 1}
    page = page_of(tmp_path, results(trial()), build | {"leaks": ["sita is in both"], "unreadable": ["b.mp4: is empty"]})
    for text in ("speakers", "1.25", "Time for training", "1 h 7 min", "1 h 8 min", "sita is in both", "b.mp4: is empty", "no limit given"):
        assert text in page
    assert "nothing was found" not in page


def test_data_that_nobody_checked_is_not_called_clean(tmp_path):
    assert "have in common: not measured" in page_of(tmp_path, results(trial()), {"data": {"speakers": 3}})
    assert "nothing was found" in page_of(tmp_path, results(trial()), {"leaks": []})


def test_what_train_and_validation_share_is_told_and_not_held_against_the_test(tmp_path):
    found = results(trial())
    page = page_of(tmp_path, found, {"leaks": [], "remarks": ["speaker sita is in train and val"]})
    assert "speaker sita is in train and val" in page and "nothing was found" in page and "something in common" not in page
    assert "something in common" in page_of(tmp_path, found, {"leaks": ["sita is in train and test"]})


def test_no_build_record_is_said(tmp_path):
    assert "No build record was given" in page_of(tmp_path, results(trial()))


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"seconds": "soon"}', '{"columns": [], "command": "telucodec plan", "date": ""}'),
        *('{"seconds": {"a": 1e308, "b": 1e308}}', '{"terms": {"price_per_hour": 1e308}}'),
    ],
)
def test_a_broken_build_record_is_one_clear_error(tmp_path, content):
    write_results(tmp_path / "results.json", results(trial()))
    (tmp_path / "build.json").write_text(content)
    with pytest.raises(DataError, match="build again"):
        report(tmp_path / "results.json", tmp_path / "report.html", Further(build=tmp_path / "build.json"))
    assert not (tmp_path / "report.html").exists()


def test_a_model_that_is_none_is_an_error_not_a_remark(tmp_path):
    write_results(tmp_path / "results.json", results(trial()))
    with pytest.raises(TelucodecError, match="no-such-model"):
        report(tmp_path / "results.json", tmp_path / "report.html", Further(model=tmp_path / "no-such-model"))
    assert not (tmp_path / "report.html").exists()
