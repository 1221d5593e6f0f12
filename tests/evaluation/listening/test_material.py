"""What is compared is chosen by measured rate, as loud as its reference, and never from outside its folder."""

import os

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.errors import DataError
from telucodec.evaluation.listening.material import ANCHORS_HZ, REFERENCE, open_material
from telucodec.evaluation.listening.versions import MAX_CLIP_S, PEAK, versions
from telucodec.evaluation.results import ContenderRow, Made, Results, Sample, TestSetRow, Trial, write_results

LOW, MID = ANCHORS_HZ


def folder(tmp_path, **waves):
    for name, wave in waves.items():
        write_audio(tmp_path / name / "a.flac", wave, SAMPLE_RATE)
    return tmp_path


def rms(wave):
    return np.sqrt(np.mean(wave.astype(np.float64) ** 2))


def results(tmp_path, sounds=("low", "high"), **num_bytes):
    """A second of clip a for each system, of so many bytes, and one of clip b, which nobody hears, of many more."""
    trials = [
        Trial(contender=name, clip=clip, duration_s=1.0, num_bytes=size * times)
        for name, size in num_bytes.items()
        for clip, times in (("a", 1), ("b", 10))
    ]
    sample = Sample(clip="a", original="samples/a.flac", decoded={name: f"samples/a_{name}.flac" for name in sounds})
    rows = [ContenderRow(name=name, label=name.title(), family=name) for name in num_bytes]
    made = Made(command="", date="", machine={}, versions={})
    found = Results(
        made=made,
        test_set=TestSetRow(name="t", sha256="", num_clips=1),
        contenders=tuple(rows),
        metrics=(),
        trials=tuple(trials),
        samples=(sample,),
    )
    write_results(tmp_path / "results.json", found)
    return tmp_path / "results.json"


def test_systems_are_chosen_by_the_rate_that_was_measured(tmp_path):
    path = results(tmp_path, sounds=("low", "near", "high"), low=750, near=800, high=1500)
    assert [system.kbps for system in open_material(path).systems] == [6, 6.4, 12]
    assert [system.name for system in open_material(path, kbps=6.2).systems] == ["low", "near"]
    assert [system.name for system in open_material(path, ["high"]).systems] == ["high"]
    with pytest.raises(DataError, match=r"high 12\.00"):
        open_material(path, kbps=9)
    with pytest.raises(DataError, match="no sound of other"):
        open_material(path, ["other"])


def test_a_clip_that_a_system_failed_on_is_left_out_and_named(tmp_path):
    path = results(tmp_path, sounds=("low",), low=750, high=1500)
    assert [system.name for system in open_material(path).systems] == ["low"]
    clips = folder(tmp_path / "clips", reference=np.full((1, 16_000), 0.1), ours=np.full((1, 16_000), 0.1))
    write_audio(clips / REFERENCE / "b.flac", np.full((1, 16_000), 0.1), SAMPLE_RATE)
    found = open_material(clips)
    assert [clip.name for clip in found.clips] == ["a"]
    assert found.left_out == ("b: no sound of ours",)


def test_results_that_point_outside_their_folder_are_refused(tmp_path):
    path = results(tmp_path, low=750, high=1500)
    path.write_text(path.read_text().replace("samples/a_low.flac", "../../a_low.flac"))
    with pytest.raises(DataError, match="beside the results"):
        open_material(path)


def test_every_version_is_as_loud_as_the_reference_and_none_clips(tmp_path, telugu):
    wave = telugu[:, 16_000:48_000]
    wave = wave / np.abs(wave).max()
    (clip,) = open_material(folder(tmp_path, reference=wave, quiet=0.2 * wave, inverted=-wave)).clips
    found = versions(clip, ("quiet", "inverted", REFERENCE, LOW, MID))
    assert [rms(each) for each in found.waves.values()] == pytest.approx([rms(found.waves[REFERENCE])] * 5, rel=1e-5)
    assert max(np.abs(each).max() for each in found.waves.values()) <= PEAK + 1e-6
    assert found.gains_db["quiet"] == pytest.approx(-20 * np.log10(0.2), abs=0.05)
    assert found.gains_db[REFERENCE] == 0 and found.headroom_db < 0
    np.testing.assert_allclose(found.waves["inverted"], -found.waves[REFERENCE], atol=1e-4)


def test_quiet_clips_are_not_turned_up(tmp_path, telugu):
    wave = telugu[:, 16_000:48_000]
    wave = 0.1 * wave / np.abs(wave).max()
    (clip,) = open_material(folder(tmp_path, reference=wave, quiet=0.5 * wave)).clips
    found = versions(clip, ("quiet", REFERENCE))
    assert found.headroom_db == 0 and np.abs(found.waves[REFERENCE]).max() == pytest.approx(0.1, abs=1e-3)


def test_only_the_beginning_of_a_long_clip_is_heard(tmp_path):
    wave = 0.1 * np.sin(np.arange(20 * SAMPLE_RATE))[None]
    (clip,) = open_material(folder(tmp_path, reference=wave, ours=wave[:, : 15 * SAMPLE_RATE])).clips
    assert versions(clip, ("ours", REFERENCE)).waves["ours"].shape == (1, MAX_CLIP_S * SAMPLE_RATE)


@pytest.mark.parametrize(
    ("output", "complaint"),
    [(np.zeros((1, 16_000)), "ours is silent"), (np.full((1, 12_000), 0.1), "not as long"), (np.full((1, 20_000), 0.1), "not as long")],
)
def test_what_cannot_be_compared_is_told(tmp_path, output, complaint):
    (clip,) = open_material(folder(tmp_path, reference=np.full((1, 16_000), 0.1), ours=output)).clips
    with pytest.raises(DataError, match=complaint):
        versions(clip, ("ours", REFERENCE))


@pytest.mark.parametrize("name", [REFERENCE, "ours"])
def test_two_files_that_differ_in_their_suffix_alone_are_told(tmp_path, name):
    clips = folder(tmp_path, reference=np.full((1, 16_000), 0.1), ours=np.full((1, 16_000), 0.1))
    (clips / name / "._a.flac").write_bytes(b"a shadow, as macOS writes")
    assert [clip.name for clip in open_material(clips).clips] == ["a"]
    write_audio(clips / name / "a.wav", np.full((1, 16_000), 0.2), SAMPLE_RATE)
    with pytest.raises(DataError, match=r"a\.wav: another file beside it has its name"):
        open_material(clips)


def test_systems_in_folders_of_any_name_are_told_apart_and_fit_into_a_key(tmp_path):
    for name in (b"reference", b"a\xfe", b"a\xff"):
        write_audio(tmp_path / os.fsdecode(name) / "a.flac", np.full((1, SAMPLE_RATE), 0.1, np.float32), SAMPLE_RATE)
    material = open_material(tmp_path)
    assert [system.name for system in material.systems] == ["a\ufffd (1)", "a\ufffd (2)"]
    assert [os.fsencode(path.parent.name) for path in material.clips[0].decoded.values()] == [b"a\xfe", b"a\xff"]
    assert all(system.model_dump_json() for system in material.systems)


def test_a_folder_without_originals_or_systems_is_told(tmp_path):
    with pytest.raises(DataError, match="no originals"):
        open_material(folder(tmp_path / "one", ours=np.ones((1, 8000))))
    with pytest.raises(DataError, match="no decoded sound"):
        open_material(folder(tmp_path / "two", reference=np.ones((1, 8000))))


def test_two_files_of_one_name_are_refused_whatever_the_name(tmp_path):
    folder(tmp_path, reference=np.zeros((1, 100), np.float32))
    for suffix in (b".flac", b".wav"):
        (tmp_path / REFERENCE / os.fsdecode(b"latin-\xe9" + suffix)).touch()
    with pytest.raises(DataError, match="move one away") as told:
        open_material(tmp_path)
    assert str(told.value).encode()  # fits a terminal
