"""A verdict passes on measured values only."""

import pytest
from made_up import results, trial

from telucodec.apps.build_record import BuildRecord, Terms
from telucodec.apps.verdicts import duration, headline, verdicts

NO_BUILD = BuildRecord()


def judged(found, build=NO_BUILD) -> dict[str, str]:
    return {verdict.criterion: verdict.status for verdict in verdicts(found, found.contenders[0] if found.contenders else None, build)}


def test_all_pass_where_all_was_measured_and_good():
    build = BuildRecord(seconds={"model": 3600.0}, terms=Terms(price_per_hour=3.0, time_s=7200.0, cost=5.0))
    assert set(judged(results(trial()), build).values()) == {"PASS"}


@pytest.mark.parametrize(
    "bad, criterion",
    [
        ({"snr_db": 15.0}, "SNR"),  # more than 15 is asked
        ({"pesq": 2.99}, "Sounds acceptable"),
        ({"stoi": 0.89}, "Sounds acceptable"),
        ({"num_bytes": 801}, "Compression"),
    ],
)
def test_one_value_on_the_wrong_side_fails_its_criterion_alone(bad, criterion):
    found = judged(results(trial(**bad)))
    assert found.pop(criterion) == "FAIL"
    assert {found[name] for name in found if name not in ("Time", "Cost")} == {"PASS"}


def test_exactly_what_is_asked_passes():
    at = {"num_bytes": 800, "pesq": 3.0, "stoi": 0.9}  # 800 bytes a second are 40 times less
    assert set(judged(results(trial(**at))).values()) == {"PASS", "NO LIMIT"}


@pytest.mark.parametrize("missing", [("pesq",), ("stoi",), ("pesq", "stoi")])
def test_what_was_not_measured_does_not_pass(missing):
    assert judged(results(trial(missing=missing)))["Sounds acceptable"] == "NOT MEASURED"


def test_a_missing_score_does_not_hide_a_bad_one():
    assert judged(results(trial(missing=("pesq",), stoi=0.5)))["Sounds acceptable"] == "FAIL"


def test_a_mean_does_not_pass_without_the_clips_that_failed():
    found = judged(results(trial(), trial(clip="b", failure="it broke")))
    assert found["Demo works"] == "FAIL"
    assert (found["SNR"], found["Sounds acceptable"], found["Compression"]) == ("NOT MEASURED",) * 3


def test_quiet_clips_do_not_carry_the_snr():
    loud, quiet = trial(snr_db=10.0), trial(clip="b", snr_db=40.0)
    loud = loud.model_copy(update={"signal_energy": 1e3, "noise_energy": 1e2})
    assert judged(results(loud, quiet))["SNR"] == "FAIL"  # mean 25 dB, pooled 10.3 dB


def test_nothing_measured_is_nothing_passed():
    limited = BuildRecord(terms=Terms(time_s=60.0, cost=1.0))
    assert set(judged(results(), limited).values()) == {"NOT MEASURED"}
    assert set(judged(results(names=()), limited).values()) == {"NOT MEASURED"}


@pytest.mark.parametrize(
    "terms, statuses, measured",
    [
        (Terms(), ("NO LIMIT", "NO LIMIT"), ("1.5 min", "not measured")),
        (Terms(price_per_hour=40.0), ("NO LIMIT", "NO LIMIT"), ("1.5 min", "1.00")),
        (Terms(time_s=60.0, cost=1.0), ("FAIL", "NOT MEASURED"), ("1.5 min", "not measured")),
        (Terms(price_per_hour=40.0, time_s=60.0, cost=0.5), ("FAIL", "FAIL"), ("1.5 min", "1.00")),
        (Terms(price_per_hour=40.0, time_s=90.0, cost=1.0), ("PASS", "PASS"), ("1.5 min", "1.00")),
    ],
)
def test_time_and_its_cost_are_told_and_judged_where_there_is_a_limit(terms, statuses, measured):
    *_, time, cost = verdicts(results(trial()), None, BuildRecord(seconds={"model": 60.0, "results": 30.0}, terms=terms))
    assert (time.status, cost.status) == statuses
    assert (time.measured, cost.measured) == measured


def test_the_headline_is_one_setting_under_test():
    found = results(trial("ours"), trial("better", snr_db=20.0), trial("opus", snr_db=30.0), names=("ours", "better", "opus"))
    assert headline(found, NO_BUILD).name == "ours"  # the first of equals
    worse = results(trial("ours", snr_db=1.0), trial("better"), names=("ours", "better"))
    assert headline(worse, NO_BUILD).name == "better"
    assert headline(results(trial("opus"), names=("opus",)), NO_BUILD) is None


@pytest.mark.parametrize(
    "build, time, cost",
    [
        (
            BuildRecord(seconds={"model": 87.1}, terms=Terms(price_per_hour=0.5, time_s=60, cost=0.01)),
            ("1.5 min", "1 min"),
            ("0.0121", "0.01"),
        ),
        (BuildRecord(seconds={"model": 61.0}, terms=Terms(price_per_hour=180, time_s=60, cost=3.047)), ("61 s", "60 s"), ("3.05", "3.047")),
    ],
)
def test_numbers_on_either_side_of_a_limit_are_told_apart(build, time, cost):
    *_, spent, paid = verdicts(results(trial()), None, build)
    assert (spent.status, paid.status) == ("FAIL", "FAIL")
    assert (spent.measured, spent.threshold.removeprefix("<= ")) == time
    assert (paid.measured, paid.threshold.removeprefix("<= ")) == cost


@pytest.mark.parametrize(
    "seconds, words",
    [(0.25, "0.2 s"), (59.0, "59.0 s"), (60, "1 min"), (90, "1.5 min"), (599, "10 min"), (3599, "1 h 0 min"), (5000, "1 h 23 min")],
)
def test_durations_are_words(seconds, words):
    assert duration(seconds) == words
