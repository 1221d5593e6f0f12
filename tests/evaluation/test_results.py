"""results.json says what is known and why the rest is not."""

import json
import math

import pytest
from pydantic import ValidationError

from telucodec.errors import DataError
from telucodec.evaluation.made import made
from telucodec.evaluation.results import Results, TestSetRow, Trial, read_results, write_results
from telucodec.evaluation.summary import summarise, summary_rows


def trial(snr_db=10.0, **known) -> Trial:
    fields = {"contender": "ours", "clip": "a", "duration_s": 2.0, "num_bytes": 1600, "encode_s": 0.1, "decode_s": 0.3}
    fields |= {"signal_energy": 100.0, "noise_energy": 10.0, "values": {"snr_db": snr_db}}
    fields["holes"] = {} if snr_db is not None else {"snr_db": "the original is silent"}
    return Trial(**fields | known)


def results(*trials: Trial) -> Results:
    test_set = TestSetRow(name="test.csv", sha256="0", num_clips=len(trials))
    return Results(made=made("telucodec evaluate"), test_set=test_set, contenders=(), metrics=(), trials=trials)


def test_what_is_written_is_read(tmp_path):
    before = results(trial(), trial(None, clip="b"))
    write_results(tmp_path / "results.json", before)
    assert read_results(tmp_path / "results.json") == before
    text = (tmp_path / "results.json").read_text()
    assert "NaN" not in text and json.loads(text)["trials"][1]["values"]["snr_db"] is None


def test_a_file_in_which_cpu_seconds_had_another_name_is_read(tmp_path):
    path, rows = tmp_path / "results.json", summary_rows([trial()], ["ours"], ["snr_db"])
    write_results(path, results(trial()).model_copy(update={"summaries": rows}))
    text = path.read_text()
    assert '"cpu_s_per_s"' in text
    path.write_text(text.replace('"cpu_s_per_s"', '"cpu_per_s"'))
    assert read_results(path).summaries == rows


def test_a_hole_without_a_reason_is_refused(tmp_path):
    with pytest.raises(ValidationError, match="reason"):
        trial(None, holes={})
    with pytest.raises(ValidationError, match="reason"):
        trial(1.0, holes={"snr_db": "but it was measured"})
    with pytest.raises(ValidationError):
        trial(math.nan)


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"schema_version": 1, "typed_in": 35.0}'])
def test_a_file_that_holds_no_results_is_one_clear_error(tmp_path, content):
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match="telucodec evaluate"):
        read_results(path)


def test_where_and_how_is_written_down():
    how = made("telucodec evaluate clips")
    assert how.command == "telucodec evaluate clips"
    assert how.machine["cpu"] and how.machine["python"] and how.versions["numpy"] and how.date.endswith("+00:00")


def test_a_summary_is_the_mean_of_what_was_measured_and_counts_it():
    found = summarise([trial(10.0), trial(20.0), trial(None), trial(None, failure="it broke")], ["snr_db", "pesq"])
    snr = found.spreads["snr_db"]
    assert (snr.mean, snr.least, snr.most, snr.num_measured) == (15.0, 10.0, 20.0, 2)
    assert snr.reasons == (("the original is silent", 2),)
    assert (found.num_clips, found.num_failed) == (4, 1)
    assert math.isnan(found.spreads["pesq"].mean) and found.spreads["pesq"].reasons == (("this metric was not run", 4),)


def test_rate_and_speed_are_of_all_seconds_together():
    found = summarise([trial(), trial(num_bytes=None, encode_s=None, decode_s=None), trial(duration_s=6.0)], [])
    assert found.kbps == pytest.approx(8 * 3200 / 8.0 / 1000)
    assert found.ratio == pytest.approx(256 / 3.2)
    assert found.cpu_s_per_s == pytest.approx(0.8 / 8)
    lost = trial(None, num_bytes=3200, decode_s=None, failure="it broke")
    assert summarise([trial(), lost], []).kbps == pytest.approx(8 * 4800 / 4.0 / 1000)  # what was encoded counts, decoded or not


def test_delays_are_told_by_their_median_and_payload_apart():
    found = summarise([trial(delay=0, num_payload_bytes=1500), trial(delay=160, num_payload_bytes=1500), trial(delay=16), trial()], [])
    assert found.delay_ms == pytest.approx(1)
    assert found.payload_kbps == pytest.approx(6) and found.kbps == pytest.approx(6.4)
    assert math.isnan(summarise([trial()], []).delay_ms) and math.isnan(summarise([trial()], []).payload_kbps)


def test_pooled_snr_is_ruled_by_energy_and_not_by_the_quietest_clip():
    quiet = trial(-20.0, signal_energy=1e-6, noise_energy=1e-4)
    found = summarise([trial(10.0), quiet], ["snr_db"])
    assert found.pooled_snr.value == pytest.approx(10, abs=1e-3)
    assert found.spreads["snr_db"].mean == pytest.approx(-5)


def test_nothing_at_all_is_not_a_number_anywhere():
    found = summarise([], ["snr_db"])
    assert all(map(math.isnan, (found.kbps, found.ratio, found.cpu_s_per_s, found.pooled_snr.value, found.spreads["snr_db"].mean)))
    assert found.pooled_snr.reason


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 99},
        {"trials": [{"values": {"snr_db": 1e308}}]},
        {"trials": [{"signal_energy": 1e308}]},
        {"trials": [{"num_bytes": 10**400}]},
        {"trials": [{"num_payload_bytes": 10**400}]},
        {"trials": [{"delay": -(10**400)}]},
        {"trials": [{"duration_s": 1e308}]},
    ],
    ids=lambda change: str(change)[:50],
)
def test_what_is_no_result_of_ours_is_refused(tmp_path, change):
    path = tmp_path / "results.json"
    write_results(path, results(trial()))
    told = json.loads(path.read_text())
    for part, values in zip(told["trials"], change.pop("trials", []), strict=False):
        part |= values
    path.write_text(json.dumps(told | change))
    with pytest.raises(DataError, match="not results of schema"):
        read_results(path)
