"""What the report shows beside the table of codecs: the first page, the estimate, the run, the plan, the data, and where each number came from."""

import json
import math
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from made_up import GOOD, results, sounds, trial

from telucodec.apps.build_record import BuildRecord, Terms
from telucodec.apps.manager_page import WORDS, languages
from telucodec.apps.report import Further, report
from telucodec.apps.training_log import curves, read_training_log
from telucodec.apps.verdicts import headline, verdicts
from telucodec.audio.media import read_media
from telucodec.audio.sound_file import write_audio
from telucodec.data.manifest import Segment, write_manifest
from telucodec.errors import DataError
from telucodec.evaluation.clips import open_clips
from telucodec.evaluation.contender import Contender
from telucodec.evaluation.evaluate import evaluate
from telucodec.evaluation.results import Sample, write_results
from telucodec.metrics import SHELF

SPEECH = Path(__file__).parents[2] / "examples" / "speech" / "test" / "cv-telugu"
VALIDATION = {
    "loss": 3.5,
    "snr_db": 4.5,
    "correlation": 0.81,
    "amplitude_percent": 71.0,
    "perplexity": [17.0, 23.0],
    "codes_used": [0.5, 0.75],
}


NOTHING = Further()


def write(tmp_path, found, further=NOTHING, language="en") -> tuple[str, dict]:
    """The page, with its entities resolved, and its JSON."""
    write_results(tmp_path / "results.json", found)
    beside = report(tmp_path / "results.json", tmp_path / "report.html", further, language)
    return unescape((tmp_path / "report.html").read_text()), json.loads(beside.read_text())


def test_a_codec_that_crashes_silence_and_a_fifth_of_a_second_are_holes_with_reasons(tmp_path):
    clips, wave = tmp_path / "clips", read_media(min(SPEECH.glob("*.flac"), key=lambda path: path.stat().st_size))[:, 8_000:32_000]
    for name, sound in {"speech": wave, "short": wave[:, :3_200], "silence": np.zeros((1, 16_000), np.float32)}.items():
        write_audio(clips / f"{name}.flac", sound, 16_000)
    contenders = [
        Contender("plain", "Plain", "plain", encode=_half, decode=_as_wave, num_bytes=_one_in_forty, model="c0ffee"),
        Contender("broken", "Broken", "broken", encode=_crash, decode=_as_wave),
    ]
    metrics = [metric for metric in SHELF if metric.name in ("snr_db", "pesq")]
    found = evaluate(clips, contenders, tmp_path / "results.json", "telucodec evaluate clips", metrics)
    page, numbers = write(tmp_path, found, Further(test_set=clips))
    for reason in ("RuntimeError: no luck", "too short: 0.20 s", "the original is silent"):
        assert reason in page and any(reason in line for line in numbers["holes"])
    assert page.count("data:audio/flac") == 6 and page.count('alt="Where Plain') == 3
    assert page.count("<svg") >= 2 and numbers["bound"]["heard"] == "all test clips"
    assert "its upper edge optimistic" in page
    assert {v["criterion"]: v["status"] for v in numbers["verdicts"]}["Demo works"] == "PASS"


def _half(wave):
    return 0.5 * wave


def _as_wave(packed):
    return packed


def _one_in_forty(packed):
    return packed.shape[-1] // 20


def _crash(wave):
    raise RuntimeError("no luck")


@pytest.mark.parametrize("language", languages())
def test_the_first_page_speaks_of_measured_numbers_in_every_language(tmp_path, language):
    found = results(trial(), trial("opus", pesq=2.22), names=("ours", "opus"))
    page, numbers = write(tmp_path, found, language=language)
    manager = re.search(r'<section class="manager" lang="(\w+)">(.*?)</section>', page, re.DOTALL)
    assert manager[1] == language
    for told in ("40.5", "17.0", "3.41", "2.22", "2.8 MB"):  # times smaller, pooled SNR, PESQ of both, an hour
        assert told in manager[2]
    assert numbers["decision"] in manager[2]
    assert not re.search(r"\{\w*\}", manager[2])
    assert "2001-02-03 04:05 UTC" in manager[2] and "04:05:06" not in page
    if language == "te":
        assert re.search("[\u0c00-\u0c7f]", numbers["decision"])
        assert set(re.findall('<span lang="en">(.*?)</span>', manager[2])) <= {
            "> 15 dB",
            "PESQ 3.41, STOI 0.951",
            "PESQ >= 3.0 and STOI >= 0.9",
        }
        assert "సగటు 17.3 dB, అన్ని రికార్డింగులూ కలిపి 17.0 dB" in manager[2] and "1 రికార్డింగులలో 1" in manager[2]
    else:
        assert "17.3 dB on average, 17.0 dB over all clips together" in manager[2]


def test_the_sound_that_was_tried_is_as_long_though_the_last_codec_died_on_it(tmp_path):
    died = trial("opus", failure="its process died").model_copy(update={"duration_s": 0.0})
    page, _ = write(tmp_path, results(trial(), died, names=("ours", "opus")))
    assert "test.csv: 1.0 s of sound" in page


def test_languages_have_the_same_words_with_the_same_places_for_numbers():
    words = json.loads(WORDS.read_text("utf-8"))
    english = words.pop("en")
    for others in words.values():
        assert others.keys() == english.keys()
        for name, sentence in english.items():
            assert set(re.findall(r"\{\w+\}", others[name])) == set(re.findall(r"\{\w+\}", sentence)), name


@pytest.mark.parametrize("found", [results(), results(trial()), results(names=())], ids=["no clips", "good", "no model"])
@pytest.mark.parametrize("build", [BuildRecord(), BuildRecord(seconds={"model": 90.0}, terms=Terms(time_s=60.0))])
def test_cards_speak_the_language_of_the_page_and_say_where_they_do_not(tmp_path, found, build):
    told = verdicts(found, headline(found, build), build)
    words = json.loads(WORDS.read_text("utf-8"))["te"]
    assert {verdict.note for verdict in told} - {""} <= words.keys()
    (tmp_path / "build.json").write_text(build.model_dump_json(exclude_defaults=True) if build.seconds else '{"leaks": []}')
    page, _ = write(tmp_path, found, Further(build=tmp_path / "build.json"), "te")
    cards = page.split('<div class="cards" id="verdicts">')[1].split('<p class="soft')[0]
    telugu = re.sub(r'<span lang="en">.*?</span>|<[^>]*>', "", cards)
    assert set(re.findall("[a-z]{3,}", telugu)) <= {"build", "json", "kbps"}


@pytest.mark.parametrize(
    "found, begins",
    [
        (results(trial(snr_db=3.0)), "Not yet: SNR."),
        (results(trial(missing=("pesq",))), "Not to be decided yet, for want of a measurement: Sounds acceptable."),
        (results(names=()), "Not to be decided yet"),
        (results(trial()), "Nothing measured speaks against going on."),  # whatever nobody set a limit to
    ],
    ids=["failed", "open", "nothing", "good"],
)
def test_the_decision_follows_from_the_verdicts(tmp_path, found, begins):
    assert write(tmp_path, found)[1]["decision"].startswith(begins)


def test_limits_may_be_given_to_the_build_or_to_the_report(tmp_path):
    (tmp_path / "build.json").write_text('{"seconds": {"model": 1800}, "terms": {"price_per_hour": 2.0, "time_s": 3600, "cost": 5.0}}')
    write_results(tmp_path / "results.json", results(trial()))

    def verdict_of(criterion, terms):
        beside = report(tmp_path / "results.json", tmp_path / "report.html", Further(build=tmp_path / "build.json"), terms=terms)
        return next(
            (found["measured"], found["threshold"], found["status"])
            for found in json.loads(beside.read_text())["verdicts"]
            if found["criterion"] == criterion
        )

    assert verdict_of("Cost", Terms()) == ("1.00", "<= 5.00", "PASS")
    assert verdict_of("Cost", Terms(price_per_hour=20.0)) == ("10.00", "<= 5.00", "FAIL")
    assert verdict_of("Time", Terms(time_s=60.0)) == ("30 min", "<= 1 min", "FAIL")


def test_each_number_of_the_table_names_its_file_command_and_date(tmp_path):
    page, numbers = write(tmp_path, results(trial()))
    table = page.split('class="comparison"')[1].split("</table>")[0].split("<tbody>")[1]
    told = re.findall(r'<span title="([^"]*)">[\d.]+</span>', table)
    sha256 = numbers["sources"]["results"]["sha256"]
    assert len(told) == len(re.findall(r">[\d.]+<", table)) == len(GOOD) + 4  # metrics; kbps, ratio, pooled SNR, CPU
    assert all(
        f"From results.json, SHA-256 {sha256[:12]}" in line and "2001-02-03" in line and "telucodec evaluate" in line for line in told
    )


def test_numbers_beside_the_page_are_those_of_the_results_and_overwrite_nothing(tmp_path):
    _, numbers = write(tmp_path, results(trial(pesq=2.34)))
    assert numbers["contenders"][0]["pesq"] == 2.34 and numbers["headline"] == "ours"
    before = (tmp_path / "results.json").read_bytes()
    with pytest.raises(DataError, match="another name"):
        report(tmp_path / "results.json", tmp_path / "results.html")
    assert (tmp_path / "results.json").read_bytes() == before and not (tmp_path / "results.html").exists()


@pytest.mark.parametrize("content", ['{"seconds": {"model": 9}}', "[]", "7", "no json"])
def test_json_of_somebody_else_beside_the_page_is_not_written_over(tmp_path, content):
    write_results(tmp_path / "results.json", results(trial()))
    (tmp_path / "build.json").write_text(content)
    with pytest.raises(DataError, match="build.json: .*another name"):
        report(tmp_path / "results.json", tmp_path / "build.html")
    assert (tmp_path / "build.json").read_text() == content and not (tmp_path / "build.html").exists()
    for _ in range(2):  # its own is
        report(tmp_path / "results.json", tmp_path / "page.html")


def test_the_estimate_is_of_the_kept_clips_or_of_the_same_test_set_alone(tmp_path):
    sounds(tmp_path, "samples/o.flac")
    found = results(trial(), samples=(Sample(clip="a", original="samples/o.flac", decoded={}),))
    page, numbers = write(tmp_path, found)
    assert (
        numbers["bound"]["heard"] == "1 of 1 test clips"
        and "estimate of what is possible, its upper edge optimistic, from 1 of 1 test clips" in page
    )
    rising = [point["fine_db"] for point in numbers["bound"]["points"]]
    assert rising == sorted(rising) and all(point["coarse_db"] <= point["fine_db"] for point in numbers["bound"]["points"])
    with pytest.raises(DataError, match="the same test set"):
        write(tmp_path, found, Further(test_set=tmp_path / "samples"))
    _, numbers = write(tmp_path, results(trial()))
    assert numbers["bound"]["points"] == [] and "no original was kept" in numbers["bound"]["reason"]


def test_the_estimate_is_of_the_manifest_that_was_measured(tmp_path):
    sounds(tmp_path, "a.flac")
    write_manifest(tmp_path / "test.csv", [Segment("a.flac", 0.0, 1.0, "a.mp4", "sita", 0.1, 0.5, 0.0)])
    found = results(trial())
    pin = open_clips(tmp_path / "test.csv").sha256
    found = found.model_copy(update={"test_set": found.test_set.model_copy(update={"sha256": pin})})
    _, numbers = write(tmp_path, found, Further(test_set=tmp_path / "test.csv"))
    assert numbers["bound"]["heard"] == "all test clips"


def a_run(folder: Path, *lines: str) -> Path:
    folder.mkdir()
    (folder / "log.jsonl").write_text("\n".join(lines))
    return folder


def test_a_run_is_drawn_as_far_as_its_log_came(tmp_path):
    lines = [json.dumps({"command": "telucodec train --minutes 1"})]
    lines += [json.dumps({"update": update, "mel": 1.0 / update, "spent_s": 9.0, "heard_hours": 0.25}) for update in (20, 40)]
    lines += [
        json.dumps({"update": 40, **VALIDATION, "snr_db": None}),
        json.dumps({"update": 60, **VALIDATION, "signs": ["dead codebook"]}),
    ]
    page, numbers = write(tmp_path, results(trial()), Further(run=a_run(tmp_path / "mine", *lines, '{"update": 80, "me')))
    training = numbers["training"]
    assert (training["Updates"], training["Sound heard"], training["SNR of the last validation"]) == ("60", "0.25 h", "4.5 dB")
    assert training["Signs of trouble at its end"] == "dead codebook" and training["Lines of the log that are broken"] == "1"
    for title in ("terms of the training loss", "perplexity of codebooks", "entries used at all", "telucodec train --minutes 1"):
        assert title in page


def test_terms_that_come_in_later_are_drawn_and_shares_are_no_terms(tmp_path):
    judged = {"discriminator": 2.0, "judged_right": 0.75, "generator": 0.5, "mel": 1.0}
    lines = [json.dumps({"update": 20, "mel": 2.0, "spent_s": 9.0}), *(json.dumps({"update": at, **judged}) for at in (40, 60))]
    (terms,) = curves(read_training_log(a_run(tmp_path / "mine", *lines)))
    assert list(terms.lines) == ["mel", "discriminator", "generator"]
    assert terms.lines["generator"][1:] == [(40, 0.5), (60, 0.5)] and math.isnan(terms.lines["generator"][0][1])


def test_a_recognisers_run_is_refused_rather_than_drawn_as_a_codecs(tmp_path):
    folder = a_run(tmp_path / "characters", '{"update": 20, "loss": 3.0, "learning_rate": 1e-3}')
    (folder / "config.toml").write_text('script = "latin"\n[units]\nkind = "characters"\n')
    with pytest.raises(DataError, match="characters: the report draws runs of `telucodec train`"):
        read_training_log(folder)


@pytest.mark.parametrize("line", ["", "[]", '{"update": 1}', '{"update": 1, "correlation": null, "perplexity": "many"}'])
def test_a_log_without_numbers_is_a_hole(tmp_path, line):
    page, numbers = write(tmp_path, results(trial()), Further(run=a_run(tmp_path / "mine", line)))
    assert "the log holds no numbers" in page and numbers["training"]["SNR of the last validation"] == "not measured"


def test_the_plan_and_the_data_are_told_with_their_files(tmp_path):
    column = {
        "name": "POC",
        "about": "half an hour",
        "updates": 751.0,
        "heard_h": 3.0,
        "passes": 0.9,
        "wall_s": 1800.0,
        "verdict": "too small",
    }
    (tmp_path / "plan.json").write_text(json.dumps({"columns": [column | {"cost": 0.75}, column | {"name": "MVP", "cost": None}]}))
    row = Segment("a.flac", 0.0, 1800.0, "a.mp4", "sita", 0.1, 0.5, 0.0, language="te", licence="CC0-1.0", source="own")
    write_manifest(tmp_path / "manifests" / "train.csv", [row])
    page, numbers = write(tmp_path, results(trial()), Further(plan=tmp_path / "plan.json", manifests=tmp_path / "manifests"))
    for told in ("751", "0.75", "too small", "CC0-1.0", "POC 30 min; MVP 30 min", "From plan.json", "From train.csv"):
        assert told in page
    assert numbers["plan"]["columns"][1]["cost"] is None and numbers["data"]["train"]["total"]["duration_s"] == 1800.0


def test_a_plan_without_end_is_one_clear_error(tmp_path):
    column = {"name": "a", "about": "", "updates": 1.0, "heard_h": 1.0, "passes": 1.0, "wall_s": float("inf"), "cost": None, "verdict": ""}
    (tmp_path / "plan.json").write_text(json.dumps({"columns": [column]}))
    with pytest.raises(DataError, match="columns.0.wall_s.*finite"):
        write(tmp_path, results(trial()), Further(plan=tmp_path / "plan.json"))


@pytest.mark.parametrize("name", ["run", "plan", "manifests", "build"])
def test_what_was_named_and_is_not_there_is_one_clear_error(tmp_path, name):
    with pytest.raises(DataError, match="missing"):
        write(tmp_path, results(trial()), Further(**{name: tmp_path / "missing"}))
    assert not (tmp_path / "report.html").exists()


def test_symbols_are_counted_with_the_model_that_was_measured_alone(tmp_path, codec, telugu):
    write_audio(tmp_path / "samples" / "o.flac", telugu[:, 16_000:32_000], 16_000)
    found = results(trial(), samples=(Sample(clip="a", original="samples/o.flac", decoded={}),))
    assert "the model that was measured was not given" in write(tmp_path, found)[0]
    measured = found.contenders[0].model_copy(update={"model": codec.digest_of("natural")})
    page, _ = write(tmp_path, found.model_copy(update={"contenders": (measured,)}))
    assert "magnitude, quantised" in page and "% of coefficients not zero" in page and "natural mode at 6 kbps, 1.0 s of speech" in page
