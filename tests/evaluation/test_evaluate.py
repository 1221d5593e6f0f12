"""An evaluation survives what codecs, clips and people do to it, and its file says all that was asked."""

import json
import os
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from test_compare import PCM, clip, from_pcm, to_pcm

from telucodec.audio.sound_file import write_audio
from telucodec.data.manifest import Segment, write_manifest
from telucodec.evaluation.clips import Clip, open_clips
from telucodec.evaluation.compare import compare
from telucodec.evaluation.contender import Contender
from telucodec.evaluation.evaluate import evaluate
from telucodec.evaluation.made import made
from telucodec.evaluation.memory import Memory, high_water_mib, peaks
from telucodec.evaluation.results import read_results
from telucodec.evaluation.unfinished import Unfinished
from telucodec.metrics import METRICS
from telucodec.metrics.metric import NotMeasured

FEW = [METRICS["snr_db"], METRICS["amplitude_percent"]]
SETTINGS = {"any": 1}


def dying(data: bytes, of_length: int) -> np.ndarray:
    """Decode, unless the clip is so long."""
    if len(data) == 2 * of_length:
        os._exit(7)
    return from_pcm(data)


def hungry(wave: np.ndarray) -> bytes:
    np.ones(200 * 2**17).sum()  # 200 MiB
    return to_pcm(wave)


def small() -> str:
    return "small 1.0"


def copy_of(wave: np.ndarray) -> np.ndarray:
    return wave


def as_clip(name: str, wave: np.ndarray, language: str = "", group: str = "") -> Clip:
    return Clip(name, partial(copy_of, wave), group, language)


def test_a_codec_that_kills_its_process_fails_on_its_clip_alone(tmp_path, waves):
    clips = [as_clip(str(number), wave[:, : 16_000 + number]) for number, wave in enumerate(waves[:3])]
    deadly = Contender("deadly", "", "", to_pcm, partial(dying, of_length=16_001))
    trials, samples = compare(clips, [deadly, PCM], FEW, tmp_path / "samples" / "mine", jobs=1)
    assert [(trial.clip, trial.contender) for trial in trials] == [(str(n), name) for n in range(3) for name in ("deadly", "pcm")]
    assert [bool(trial.failure) for trial in trials] == [False, False, True, False, False, False]
    assert "its process died" in trials[2].failure and set(trials[2].holes) == {"snr_db", "amplitude_percent"}
    assert [sorted(sample.decoded) for sample in samples] == [["deadly", "pcm"], ["pcm"], ["deadly", "pcm"]]
    assert all((tmp_path / path).is_file() for sample in samples for path in sample.decoded.values())


def test_results_of_any_name_find_the_sound_that_was_kept(tmp_path, waves):
    write_audio(tmp_path / "clips" / "a.wav", waves[0], 16_000)
    out = tmp_path / os.fsdecode(b"r\xff.json")
    evaluate(tmp_path / "clips", [PCM], out, "", FEW, jobs=1)
    (sample,) = read_results(out).samples
    assert (tmp_path / sample.original).is_file()


def test_an_interrupted_comparison_goes_on_where_it_was(tmp_path, waves):
    clips, coded = [clip(str(number), wave) for number, wave in enumerate(waves[:4])], []

    def watched(wave):
        coded.append(wave.shape[-1])
        if interrupting and len(coded) == 1 + 3:  # the warm-up, two clips, and then
            raise KeyboardInterrupt
        return to_pcm(wave)

    codec, interrupting = Contender("codec", "", "", watched, from_pcm), True
    run = partial(compare, clips, [codec], FEW, tmp_path / "samples" / "mine", num_samples=1)
    with pytest.raises(KeyboardInterrupt):
        run(unfinished=Unfinished(tmp_path / "results.json", SETTINGS))
    with open(tmp_path / "results.part.jsonl", "a") as lines:
        lines.write('{"number": 3, "tri')  # as a machine leaves it whose power fails

    coded.clear()
    interrupting = False
    seen = []
    trials, samples = run(unfinished=Unfinished(tmp_path / "results.json", SETTINGS), progress=lambda *told: seen.append(told))
    assert coded[1:] == [wave.shape[-1] for wave in waves[2:4]]
    assert [told[0] for told in seen] == [3, 4]
    whole, _ = run()
    assert [t.model_dump(exclude={"encode_s", "decode_s"}) for t in trials] == [
        t.model_dump(exclude={"encode_s", "decode_s"}) for t in whole
    ]
    assert len(samples) == 1


@pytest.mark.parametrize("change", ["settings", "sample"])
def test_what_was_found_otherwise_is_not_taken_over(tmp_path, waves, change):
    run = partial(compare, [clip("a", waves[0]), clip("b", waves[1])], [PCM], FEW, tmp_path / "samples" / "mine", num_samples=1)
    run(unfinished=Unfinished(tmp_path / "results.json", SETTINGS))
    assert set(Unfinished(tmp_path / "results.json", SETTINGS).clips) == {1, 2}
    if change == "sample":
        (tmp_path / "samples" / "mine" / "sample_1_original.flac").unlink()
        assert set(Unfinished(tmp_path / "results.json", SETTINGS).clips) == {2}
    else:
        assert not Unfinished(tmp_path / "results.json", {"any": 2}).clips


def test_the_results_say_all_and_what_was_unfinished_is_gone(tmp_path, waves):
    lengths = (16_000, 24_000, 3200, 20_000)
    sounds = [wave[:, 20_000 : 20_000 + length] for wave, length in zip(waves, lengths, strict=False)]
    sounds[3] = np.zeros_like(sounds[3])
    rows = []
    for number, wave in enumerate(sounds):
        write_audio(tmp_path / f"{number}.flac", wave, 16_000)
        known = {"speaker": "abcc"[number], "language": "te" if number < 2 else "de", "rms": 0.1, "peak": 0.5, "clipped_share": 0.0}
        rows.append(Segment(f"{number}.flac", 0.0, wave.shape[-1] / 16_000, str(number), **known))
    write_manifest(tmp_path / "test.csv", rows)
    codec = Contender("pcm", "PCM", "pcm", to_pcm, from_pcm, num_payload_bytes=half, library=small)
    gone = Contender("gone", "Gone", "gone", to_pcm, from_pcm, missing="not installed: make it")
    metrics = [*FEW, METRICS["stoi"]]
    found = evaluate(tmp_path / "test.csv", [codec, gone], tmp_path / "results.json", "telucodec evaluate", metrics)
    assert read_results(tmp_path / "results.json") == found
    assert not (tmp_path / "results.part.jsonl").exists()

    everything, absent = (row for row in found.summaries if row.part == "all")
    assert (everything.contender, absent.contender, absent.num_failed, absent.kbps) == ("pcm", "gone", 4, None)
    assert list(everything.metrics) == list(absent.metrics) == [metric.name for metric in metrics]
    assert {(row.part, row.name) for row in found.summaries if row.contender == "pcm"} == {
        ("all", ""),
        ("language", "de"),
        ("language", "te"),
        *(("group", name) for name in "abc"),
    }
    assert (everything.num_clips, everything.num_failed) == (4, 0)
    assert everything.kbps == pytest.approx(256) and everything.payload_kbps == pytest.approx(128)
    snr, stoi = everything.metrics["snr_db"], everything.metrics["stoi"]
    assert snr.num_measured == 3 and snr.holes == {"the original is silent": 1}
    values = sorted(trial.values["snr_db"] for trial in found.of("pcm") if trial.values["snr_db"] is not None)
    assert (snr.least, snr.median, snr.most) == tuple(values) and snr.mean == pytest.approx(sum(values) / 3)
    assert snr.low is None and snr.high is None  # of three clips
    assert stoi.num_measured == 2 and any("too short" in reason for reason in stoi.holes)
    alone = next(row for row in found.summaries if row.contender == "pcm" and row.name == "a").metrics["snr_db"]
    assert alone.num_measured == 1 and alone.median == alone.mean

    pcm, missing = found.contenders
    assert pcm.library == "small 1.0" and pcm.peak_mib >= pcm.idle_mib > 10
    assert missing.library == "" and missing.peak_mib is None and "not installed" in missing.memory_hole
    text = (tmp_path / "results.json").read_text()
    assert "NaN" not in text and json.loads(text)["summaries"]


def test_sounds_of_one_evaluation_outlive_every_other_in_its_folder(tmp_path, waves):
    for number, wave in enumerate(waves[:2]):
        write_audio(tmp_path / f"set {number}" / "a.flac", wave[:, :16_000], 16_000)

    def run(number, out, contenders):
        found = evaluate(tmp_path / f"set {number}", contenders, tmp_path / out, "telucodec evaluate", FEW, num_samples=1)
        (sample,) = found.samples
        return [tmp_path / path for path in (sample.original, *sample.decoded.values())]

    quiet = Contender("quiet", "", "", to_pcm, partial(from_pcm, gain=0.5))
    kept = run(0, "old.json", [PCM])
    before = [path.read_bytes() for path in kept]
    others = run(1, "new.json", [PCM]) + run(0, "old.json", [quiet]) + run(0, "third.json", [PCM])
    assert not set(kept) & set(others) and all(path.is_file() for path in others)
    assert [path.read_bytes() for path in kept] == before
    assert run(0, "old.json", [PCM]) == kept


@pytest.mark.parametrize("out", ["results.json", "te/results.json"])
def test_an_evaluation_in_the_folder_of_its_clips_finds_the_same_clips_again(tmp_path, waves, out):
    for name in ("a.flac", "te/b.flac"):
        write_audio(tmp_path / name, waves[0][:, :16_000], 16_000)
    first, again = (evaluate(tmp_path, [PCM], tmp_path / out, "telucodec evaluate", FEW) for _ in range(2))
    assert len(first.samples) == 2 and again.test_set == first.test_set
    assert [trial.clip for trial in again.trials] == ["a.flac", "te/b.flac"]
    kept = (tmp_path / out).parent / first.samples[0].original
    assert len(open_clips(kept.parent).clips) == 4  # what is asked for by name is what is wanted


def test_an_interrupted_evaluation_of_a_manifest_does_not_keep_what_was_found_of_other_sound(tmp_path, waves):
    row = {"start_s": 0.0, "duration_s": 1.0, "speaker": "", "rms": 0.1, "peak": 0.5, "clipped_share": 0.0}
    write_manifest(tmp_path / "test.csv", [Segment(f"{name}.flac", recording=name, **row) for name in "ab"])
    write_audio(tmp_path / "b.flac", waves[1][:, 20_000:36_000], 16_000)

    def run(progress=lambda done, total, name: None):
        return evaluate(tmp_path / "test.csv", [PCM], tmp_path / "results.json", "telucodec evaluate", FEW, progress=progress)

    def interrupted(done, total, name):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupted)
    write_audio(tmp_path / "a.flac", waves[0][:, 20_000:36_000], 16_000)
    assert [trial.failure for trial in run().trials] == ["", ""]


def half(data: bytes) -> int:
    return len(data) // 2


def test_memory_is_measured_on_the_longest_clip(tmp_path, waves, monkeypatch):
    for name, length in (("a", 8000), ("b", 24_000), ("c", 16_000)):
        write_audio(tmp_path / f"{name}.flac", waves[0][:, 20_000 : 20_000 + length], 16_000)
    heard = []

    def told(contenders, clip, jobs):
        heard.append(clip.name)
        return [Memory(reason="not asked for")] * len(contenders)

    monkeypatch.setattr("telucodec.evaluation.evaluate.peaks", told)
    evaluate(tmp_path, [PCM, replace(PCM, name="again")], tmp_path / "out" / "results.json", "telucodec evaluate", FEW, jobs=0)
    assert heard == ["b.flac"]


CHANGES = {
    "nothing": {},
    "contenders": {"contenders": [replace(PCM, note="another delay taken out")]},
    "metrics": {"metrics": FEW[:1]},
    "num_samples": {"num_samples": 1},
    "judge": {"judge": SimpleNamespace(digest="c0ffee", metrics=lambda text="": [])},
    "another judge": {"judge": SimpleNamespace(digest="decaf", metrics=lambda text="": [])},
    "machine": {"machine": {"cpu": "abacus"}},
    "versions": {"versions": {"pesq": "99"}},
}


@pytest.mark.parametrize("change", CHANGES)
def test_only_the_same_evaluation_goes_on_where_one_was_interrupted(tmp_path, waves, monkeypatch, change):
    for name in "ab":
        write_audio(tmp_path / "clips" / f"{name}.flac", waves[0][:, 20_000:28_000], 16_000)
    before = CHANGES["judge"] if change == "another judge" else {}
    how, changed, seen = made(""), dict(CHANGES[change]), []

    def run(progress, **options):
        here = how.model_copy(update={name: options.pop(name) for name in ("machine", "versions") if name in options})
        monkeypatch.setattr("telucodec.evaluation.evaluate.made", lambda command: here)
        asked = {"contenders": [PCM], "metrics": FEW, "num_samples": 0, "jobs": 0} | options
        evaluate(tmp_path / "clips", out=tmp_path / "results.json", command="telucodec evaluate", progress=progress, **asked)

    def interrupting(done, total, name):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupting, **before)
    run(lambda done, total, name: seen.append(done), **changed)
    assert seen == ([2, 2] if change == "nothing" else [1, 2, 2])  # the last is of memory


def test_memory_is_what_the_codec_takes_in_a_process_of_its_own(waves):
    modest, big, deadly = peaks(
        [
            PCM,
            Contender("big", "", "", hungry, from_pcm),
            Contender("deadly", "", "", to_pcm, partial(dying, of_length=waves[0].shape[-1])),
        ],
        as_clip("a", waves[0]),
        jobs=2,
    )
    assert 150 < big.peak_mib - modest.peak_mib < 250
    assert abs(big.idle_mib - modest.idle_mib) < 30
    assert deadly.peak_mib is None and "died" in deadly.reason


def test_a_system_that_does_not_tell_memory_is_a_hole(monkeypatch, tmp_path):
    assert 10 < high_water_mib() < 100_000
    monkeypatch.setattr("telucodec.evaluation.memory.STATUS", tmp_path / "none")
    with pytest.raises(NotMeasured, match="Linux"):
        high_water_mib()


def test_every_peer_that_is_here_names_what_does_its_work():
    from telucodec.evaluation.baselines import SHELF

    for peer in SHELF:
        if not peer.missing():
            library = peer.at(peer.kbps[-1]).library()
            assert any(digit.isdigit() for digit in library), peer.name
