"""Tables hold numbers that come from results, and say so where there are none."""

import io
import json
import re

from made_up import GOOD, METRICS, results, trial
from rich.console import Console

from telucodec.apps.table import headings, holes, none_came_back, ranges, remarks, rows, summary_numbers, summary_table
from telucodec.evaluation.results import MetricRow


def test_every_cell_is_the_mean_of_what_was_measured():
    found = results(trial(snr_db=10.0, pesq=2.0), trial(clip="b", snr_db=20.0, missing=("pesq",)))
    row = dict(zip([heading.text for heading in headings(found)], rows(found)[0], strict=True))
    assert row["SNR, dB"].text == "15.0" and "from 10.0 to 20.0 over 2 clips" in row["SNR, dB"].detail
    assert (row["PESQ"].text, row["PESQ"].share) == ("2.00", "1 of 2")
    assert row["kbps"].text == "6.32" and row["Times smaller"].text == "40.5"
    assert row["Pooled SNR, dB"].text == "17.0" and row["CPU s per s"].text == "0.030"


def test_the_range_over_clips_is_told_in_words_and_to_scripts():
    found = results(trial(snr_db=10.0), trial(clip="b", snr_db=20.0), trial(clip="c", snr_db=12.0, missing=("pesq",)))
    (numbers,) = summary_numbers(found)
    assert (numbers["snr_db_min"], numbers["snr_db"], numbers["snr_db_max"]) == (10.0, 14.0, 20.0)
    ((label, spans, pooled),) = ranges(found)
    assert (label, spans[0], pooled) == ("Ours", "10.0 / 14.0 / 20.0", "17.0")
    ((_, spans, pooled),) = ranges(results(trial(failure="it broke")))
    assert {*spans, pooled} == {"not measured"}


def test_a_contender_that_failed_everywhere_is_holes_with_the_reason():
    found = results(trial(failure="it broke"), trial(clip="b", failure="it broke"))
    cells = rows(found)[0][1:]
    assert all(cell.is_hole for cell in cells if cell.text != "0 of 2")
    assert "2 clips: it broke" in cells[2].detail
    (numbers,) = summary_numbers(found)
    assert all(
        numbers[name] is None for name in (*GOOD, "kbps", "times_smaller", "payload_kbps", "delay_ms", "pooled_snr_db", "cpu_s_per_s")
    )
    assert numbers["num_measured"] == dict.fromkeys(GOOD, 0) and numbers["holes"]["pesq"] == {"it broke": 2}
    assert json.dumps(summary_numbers(found), allow_nan=False)


def test_reasons_are_said_once_for_all_who_share_them():
    found = results(*(trial(name, missing=("pesq", "visqol")) for name in ("ours", "opus")), names=("ours", "opus"))
    assert holes(found) == ["PESQ, ViSQOL of every codec, 1 clip: not installed: pip install 'telucodec[eval]'"]
    found = results(trial("ours"), trial("opus", failure="it broke"), names=("ours", "opus"))
    assert len(holes(found)) == 1 and " of Opus, 1 clip: it broke" in holes(found)[0]


def test_scripts_are_told_of_how_many_clips_a_mean_is_and_why_not_of_the_others():
    found = results(trial(), trial(clip="b", missing=("pesq",)), trial(clip="c", failure="it broke"))
    absent = found.contenders[0].model_copy(update={"name": "gone", "missing": "apt-get install it"})
    numbers, gone = summary_numbers(found.model_copy(update={"contenders": (*found.contenders, absent)}))
    assert (numbers["num_clips"], numbers["num_measured"]["pesq"], numbers["num_measured"]["stoi"]) == (3, 1, 2)
    assert numbers["holes"]["pesq"] == {"not installed: pip install 'telucodec[eval]'": 1, "it broke": 1}
    assert (numbers["missing"], gone["missing"]) == ("", "apt-get install it")


def test_below_the_table_stand_failures_and_holes_with_their_reasons():
    broken = [trial(name, "c", failure="the clip cannot be read: c.wav") for name in ("ours", "opus")]
    found = results(
        trial("ours"), trial("opus", missing=("pesq",)), trial("opus", "b", failure="it broke"), *broken, names=("ours", "opus")
    )
    assert remarks(found) == [
        "every codec, 1 clip failed: the clip cannot be read: c.wav",
        "Opus, 1 clip failed: it broke",
        "not measured: PESQ of Opus, 1 clip: not installed: pip install 'telucodec[eval]'",
    ]
    assert not none_came_back(found) and none_came_back(results(*broken, names=("ours", "opus")))
    assert none_came_back(results(*broken, trial("original"), names=("ours", "opus", "original")))  # which nothing coded
    many = remarks(results(*(trial(clip=str(n), failure=f"reason {n}") for n in range(99))))
    assert len(many) < 20 and "more reasons" in many[-1]


def test_the_terminal_shows_names_as_they_are():
    found = results(trial("[bold]ours", missing=("pesq",)), names=("[bold]ours",))
    text = io.StringIO()
    Console(file=text, width=160).print(summary_table(found))
    assert "[Bold]Ours" in text.getvalue() and "measured" in text.getvalue()
    assert not re.search(r"\bnan\b", text.getvalue())


def test_no_column_is_lost_in_a_narrow_terminal():
    found = results(trial("a codec of a long name", missing=("snr_db", "pesq", "stoi", "visqol")), names=("a codec of a long name",))
    word_errors = MetricRow(name="wer", label="WER", unit="%", digits=1, better="lower", about="Words wrong.")
    found = found.model_copy(update={"metrics": (*found.metrics, word_errors)})
    text = io.StringIO()
    Console(file=text, width=80).print(summary_table(found))
    assert all(word in text.getvalue() for word in ("kbps", "SNR", "PESQ", "STOI", "ViSQOL", "WER"))
    assert text.getvalue().count("measured") == 5


def test_what_is_not_available_is_a_dash_with_its_reason_below():
    found = results(trial("ours"), names=("ours", "opus"))
    missing = found.contenders[1].model_copy(update={"missing": "not installed"})
    text = io.StringIO()
    Console(file=text, width=80).print(summary_table(found.model_copy(update={"contenders": (found.contenders[0], missing)})))
    assert text.getvalue().count("—") == 5 and "…" not in text.getvalue()
    assert "Opus is not available: not installed" in text.getvalue()


def test_what_was_asked_for_is_shown_as_far_as_it_fits_and_the_rest_is_counted():
    def shown(*names):
        asked = results(trial()).model_copy(update={"metrics": tuple(metric for metric in METRICS if metric.name in names)})
        text = io.StringIO()
        Console(file=text, width=80).print(summary_table(asked))
        return " ".join(text.getvalue().split())

    few = shown("si_sdr_db", "correlation", "pesq")
    assert all(label in few for label in ("SI-SDR", "Correlation", "PESQ")) and "more metrics" not in few
    assert "3 more metrics are in the results" in shown(*GOOD)


def test_a_small_negative_number_is_not_minus_nothing():
    assert rows(results(trial(snr_db=-0.001)))[0][3].text == "0.0"
