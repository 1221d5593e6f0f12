"""Media in: exact where the format is, resampled truly where not, and one clear line for whatever cannot be read."""

import os
import re
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr

from telucodec.audio import media
from telucodec.audio.media import SAMPLE_RATE, SourceFacts, read_media, source_facts, stated_duration, stream_media
from telucodec.audio.sound_file import write_audio
from telucodec.errors import MediaError

TELUGU_NAME = "తెలుగు నమూనా"


def tone(duration_s: float, sample_rate: int = SAMPLE_RATE, frequency: float = 440.0) -> np.ndarray:
    """Return a sine [1, T] of peak 0.3."""
    return (0.3 * np.sin(2 * np.pi * frequency * np.arange(round(duration_s * sample_rate)) / sample_rate)).astype(np.float32)[None]


def film(path: Path, duration_s: int, codec: str = "aac", options: dict[str, str] | None = None, sound: bool = True) -> Path:
    """Write a film of noise with a stereo tone at 48 kHz."""
    sample_rate = 48_000
    with av.open(str(path), "w", options=options or {}) as container:
        picture = container.add_stream("mpeg4", rate=5)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        voice = container.add_stream(codec, rate=sample_rate, layout="stereo") if sound else None
        for second in range(duration_s):
            for shot in range(5):
                frame = av.VideoFrame.from_ndarray(np.random.randint(0, 255, (48, 64, 3), dtype=np.uint8), format="rgb24")
                frame.pts = second * 5 + shot
                container.mux(picture.encode(frame))
            if voice:
                wave = tone(duration_s, sample_rate)[:, second * sample_rate : (second + 1) * sample_rate]
                frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2, axis=0), format="fltp", layout="stereo")
                frame.sample_rate, frame.pts = sample_rate, second * sample_rate
                container.mux(voice.encode(frame))
        for stream in container.streams:
            container.mux(stream.encode(None))
    return path


def first_half(path: Path) -> Path:
    """Cut the file in the middle, as a broken download does."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_16_bit_sound_comes_back_sample_for_sample(tmp_path, name):
    wave = np.random.randint(-32768, 32768, (1, 25_001)) / np.float32(32768)
    assert write_audio(tmp_path / name, wave, SAMPLE_RATE) == 25_001
    np.testing.assert_array_equal(read_media(tmp_path / name), wave)


@pytest.mark.parametrize(
    "subtype, step", [("PCM_U8", 2**-7), ("PCM_16", 2**-15), ("PCM_24", 2**-22), ("PCM_32", 2**-22), ("FLOAT", 0), ("DOUBLE", 0)]
)
def test_every_sample_format_has_the_same_scale(tmp_path, subtype, step):
    wave = np.random.uniform(-0.9, 0.9, (1, 5000)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", wave[0], SAMPLE_RATE, subtype=subtype)
    np.testing.assert_allclose(read_media(tmp_path / "a.wav"), wave, atol=step, rtol=0)


def test_channels_are_averaged(tmp_path):
    channels = np.random.uniform(-0.5, 0.5, (4000, 3)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", channels, SAMPLE_RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_media(tmp_path / "a.wav")[0], channels.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 44_100, 48_000])
def test_resampling_in_a_stream_equals_resampling_at_once(tmp_path, sample_rate):
    wave = np.random.uniform(-0.5, 0.5, sample_rate * 3 + 17).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", wave, sample_rate, subtype="FLOAT")
    np.testing.assert_allclose(read_media(tmp_path / "a.wav")[0], soxr.resample(wave, sample_rate, SAMPLE_RATE, "HQ"), atol=1e-6)


def test_a_recording_that_changes_its_rate_on_the_way_keeps_its_length_and_pitch(tmp_path):
    parts = []
    for sample_rate, layout in ((48_000, "stereo"), (22_050, "mono")):
        path = tmp_path / f"{sample_rate}.aac"
        with av.open(str(path), "w") as container:
            voice = container.add_stream("aac", rate=sample_rate, layout=layout)
            wave = np.repeat(tone(2.0, sample_rate), voice.codec_context.layout.nb_channels, axis=0)
            frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout=layout)
            frame.sample_rate = sample_rate
            container.mux(voice.encode(frame))
            container.mux(voice.encode(None))
        parts.append(path.read_bytes())
    (tmp_path / "both.aac").write_bytes(b"".join(parts))
    wave = read_media(tmp_path / "both.aac")[0]
    assert len(wave) == pytest.approx(4.0 * SAMPLE_RATE, abs=0.2 * SAMPLE_RATE)
    for second in (0.5, 3.0):
        piece = wave[round(second * SAMPLE_RATE) :][:SAMPLE_RATE]
        assert np.argmax(np.abs(np.fft.rfft(piece))) * SAMPLE_RATE / len(piece) == pytest.approx(440, abs=1)


def test_windows_join_to_the_whole_and_only_the_last_is_shorter(tmp_path):
    write_audio(tmp_path / "a.flac", tone(7.3), SAMPLE_RATE)
    windows = list(stream_media(tmp_path / "a.flac", window_s=2.0))
    assert [window.shape for window in windows] == [(1, 32_000)] * 3 + [(1, 20_800)]
    assert all(window.dtype == np.float32 for window in windows)
    np.testing.assert_array_equal(np.concatenate(windows, axis=-1), read_media(tmp_path / "a.flac"))


def test_memory_does_not_grow_with_the_length_of_the_file(tmp_path):
    write_audio(tmp_path / "a.wav", (tone(1.0) for _ in range(120)), SAMPLE_RATE)  # 7.7 MB as float32
    tracemalloc.start()
    total = sum(window.shape[-1] for window in stream_media(tmp_path / "a.wav", window_s=1.0))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 120 * SAMPLE_RATE and peak_bytes < 1_000_000


@pytest.mark.parametrize(
    "name, codec", [("a.mp4", "aac"), ("a.mkv", "libopus"), ("a.mov", "aac"), ("a.avi", "libmp3lame"), ("a.ts", "aac")]
)
def test_the_sound_of_a_film_is_heard(tmp_path, name, codec):
    wave = read_media(film(tmp_path / name, 3, codec))[0]
    assert len(wave) == pytest.approx(3 * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)
    assert np.argmax(np.abs(np.fft.rfft(wave[SAMPLE_RATE : 2 * SAMPLE_RATE]))) == 440
    assert stated_duration(tmp_path / name) == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize("name", ["two words.wav", f"{TELUGU_NAME}.wav", os.fsdecode(b"latin-\xe9.wav")])
def test_any_name_is_read_and_written(tmp_path, name):
    write_audio(tmp_path / name, tone(0.5), SAMPLE_RATE)
    assert read_media(tmp_path / name).shape == (1, 8000)
    (tmp_path / name).write_bytes(b"no sound")
    with pytest.raises(MediaError) as caught:
        read_media(tmp_path / name)
    str(caught.value).encode()  # a terminal can print it


@pytest.mark.parametrize(
    "content, complaint",
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"a diary, renamed\n" * 99, "no media file"),
        (b"ffconcat version 1.0\nfile good.wav\n", "no media file"),
    ],
)
def test_what_is_no_media_file_is_named(tmp_path, content, complaint):
    write_audio(tmp_path / "good.wav", tone(1.0), SAMPLE_RATE)
    if content is not None:
        (tmp_path / "a.mp4").write_bytes(content)
    assert_unreadable(tmp_path / "a.mp4", complaint)


def test_a_folder_is_named(tmp_path):
    assert_unreadable(tmp_path, "is a folder")


def test_a_film_without_sound_is_named(tmp_path):
    assert_unreadable(film(tmp_path / "a.mp4", 1, sound=False), "no audio stream")


def test_sound_in_an_unknown_format_is_named(tmp_path):
    path = film(tmp_path / "a.mkv", 1, "libopus")
    path.write_bytes(path.read_bytes().replace(b"A_OPUS", b"A_ZZZZ"))
    assert_unreadable(path, "cannot decode")


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(media, "open", refuse, raising=False)  # the superuser may read anything
    assert_unreadable(tmp_path / "a.wav", "Permission denied")


def test_an_mp4_that_lost_its_index_is_named(tmp_path):
    assert_unreadable(first_half(film(tmp_path / "a.mp4", 4)), "lost its beginning or end")


@pytest.mark.parametrize("name, codec", [("a.mp4", "aac"), ("a.mkv", "libopus"), ("a.avi", "libmp3lame")])
def test_a_cut_film_breaks_off_where_it_was_cut(tmp_path, name, codec):
    path = film(tmp_path / name, 8, codec, options={"movflags": "faststart"} if name == "a.mp4" else None)
    message = assert_unreadable(first_half(path), "breaks off at")
    at_s, of_s = map(float, re.search(r"at ([\d.]+) s of ([\d.]+) s", message).groups())
    assert at_s == pytest.approx(4, abs=1)
    assert of_s == pytest.approx(8, abs=0.3)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff"])
def test_cut_sound_breaks_off_where_it_was_cut(tmp_path, name):
    soundfile.write(tmp_path / name, np.random.uniform(-0.5, 0.5, 8 * SAMPLE_RATE), SAMPLE_RATE)
    assert_unreadable(first_half(tmp_path / name), "breaks off at 4.", "of 8.0 s")


@pytest.mark.parametrize("size", [0, 0x7FFF_F000, 0xFFFF_FFFF])
def test_a_wav_from_a_pipe_states_no_length_and_is_read(tmp_path, size):
    write_audio(tmp_path / "a.wav", tone(1.0), SAMPLE_RATE)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[4:8] = content[40:44] = size.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(content)
    assert read_media(tmp_path / "a.wav").shape == (1, SAMPLE_RATE)


def test_sound_without_samples_is_named(tmp_path):
    write_audio(tmp_path / "a.wav", np.empty((1, 0), np.float32), SAMPLE_RATE)
    assert_unreadable(tmp_path / "a.wav", "no samples")
    soundfile.write(tmp_path / "b.wav", [0.3], 44_100)
    assert_unreadable(tmp_path / "b.wav", "shorter than one sample")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_named_with_their_second(tmp_path, value):
    wave = tone(5.0)[0]
    wave[3 * SAMPLE_RATE + 4000] = value
    soundfile.write(tmp_path / "a.wav", wave, SAMPLE_RATE, subtype="FLOAT")
    assert_unreadable(tmp_path / "a.wav", "NaN or infinity at 3.")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("subtype, value", [("FLOAT", 4e37), ("DOUBLE", -4e299)])
def test_samples_beyond_any_scale_are_named_with_their_second(tmp_path, subtype, value):
    wave = tone(5.0)[0].astype(np.float64)
    wave[3 * SAMPLE_RATE + 4000] = value
    soundfile.write(tmp_path / "a.wav", wave, SAMPLE_RATE, subtype=subtype)
    assert_unreadable(tmp_path / "a.wav", f"reaches {abs(value):g} at 3.", "scale it down")


def test_sound_in_the_scale_of_integers_is_read(tmp_path):
    wave = 2**31 * tone(0.2)
    soundfile.write(tmp_path / "a.wav", wave[0], SAMPLE_RATE, subtype="FLOAT")
    np.testing.assert_array_equal(read_media(tmp_path / "a.wav"), wave)


@pytest.mark.parametrize("damaged", ["a.flac", "a.mp4"])
def test_damage_in_the_middle_is_named(tmp_path, damaged):
    if damaged == "a.flac":
        soundfile.write(tmp_path / damaged, np.random.uniform(-0.5, 0.5, 8 * SAMPLE_RATE), SAMPLE_RATE)
    else:
        film(tmp_path / damaged, 8)
    content = bytearray((tmp_path / damaged).read_bytes())
    quarter = len(content) // 4
    content[quarter : 2 * quarter] = np.random.bytes(quarter)
    (tmp_path / damaged).write_bytes(content)
    assert_unreadable(tmp_path / damaged, "is damaged")


def test_a_packet_that_cannot_be_decoded_costs_no_more_than_itself(tmp_path):
    path = tmp_path / "a.mp3"
    with av.open(str(path), "w") as container:
        voice = container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(2.0), format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux(voice.encode(frame))
        container.mux(voice.encode(None))
    path.write_bytes(2 * path.read_bytes())
    assert read_media(path).shape[-1] == pytest.approx(4 * SAMPLE_RATE, abs=0.2 * SAMPLE_RATE)


def test_ffmpeg_keeps_its_log_to_itself(tmp_path, capfd):
    for path in (first_half(film(tmp_path / "a.mp4", 2)), first_half(film(tmp_path / "b.mp4", 2, options={"movflags": "faststart"}))):
        assert_unreadable(path, "")
    assert capfd.readouterr() == ("", "")


def assert_unreadable(path: Path, *complaints: str) -> str:
    """Expect one line that names the file and holds `complaints`."""
    with pytest.raises(MediaError) as caught:
        read_media(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    for complaint in complaints:
        assert complaint in message
    return message


def test_the_channels_are_heard_before_they_are_mixed(tmp_path):
    channels = np.concatenate([tone(1.2, 44_100), 0.5 * tone(1.2, 44_100)])
    soundfile.write(tmp_path / "stereo.wav", channels.T, 44_100, "FLOAT")
    pieces, rates = [], set()

    def heard(piece, rate):
        pieces.append(piece)
        rates.add(rate)

    assert source_facts(tmp_path / "stereo.wav") == SourceFacts(44_100, 2, "pcm_f32le")
    mixed = np.concatenate(list(stream_media(tmp_path / "stereo.wav", 44_100, heard=heard)), axis=-1)
    np.testing.assert_array_equal(np.concatenate(pieces, axis=-1), channels)
    np.testing.assert_allclose(mixed[0], channels.mean(axis=0), atol=1e-7)
    assert rates == {44_100}
