"""Faults put into real speech are named, each by its name alone; healthy output of every kind is healthy."""

from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import soxr

from telucodec.audio.media import read_media
from telucodec.metrics.pair import measure_pair
from telucodec.metrics.signs.waves import CASES, signs_of_pairs
from telucodec.metrics.validation import Validation

SPEECH = Path(__file__).parents[2] / "examples" / "speech"


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    """Two seconds each of four clips, two speakers."""
    paths = [*sorted((SPEECH / "test" / "cv-telugu").glob("*.flac"))[:2], *sorted((SPEECH / "kerstin").glob("*.flac"))[:2]]
    return [read_media(path)[0, 8000:40_000].astype(np.float64) for path in paths]


def signs(clips, outputs):
    return signs_of_pairs(
        [measure_pair(clip, output, str(number)) for number, (clip, output) in enumerate(zip(clips, outputs, strict=True))]
    )


def with_error(wave, error, snr_db):
    return wave + error * np.sqrt(np.sum(wave**2) / np.sum(error**2)) * 10 ** (-snr_db / 20)


def noise(wave, seed=0):
    return np.random.default_rng(seed).normal(0, 1, len(wave))


def white(wave, snr_db):
    return with_error(wave, noise(wave), snr_db)


def shaped(wave, snr_db):
    """Noise under the speech, as of a codec that knows of masking."""
    return with_error(wave, noise(wave) * np.sqrt(np.convolve(wave**2, np.ones(320) / 320, "same")), snr_db)


def lowpass(wave, snr_db):
    spectrum = np.fft.rfft(wave)
    power = np.abs(spectrum) ** 2
    tail = np.cumsum(power[::-1])[::-1]
    spectrum[tail < power.sum() * 10 ** (-snr_db / 10)] = 0
    return np.fft.irfft(spectrum, len(wave))


def quantised(wave, snr_db):
    """Uniform steps, as wide as that SNR allows."""
    steps = np.geomspace(1e-5, 2, 400)
    errors = np.array([np.sum((wave - step * np.round(wave / step)) ** 2) for step in steps])
    step = steps[np.flatnonzero(errors <= np.sum(wave**2) * 10 ** (-snr_db / 10))[-1]]
    return step * np.round(wave / step)


def best_guess(wave, snr_db):
    """What a decoder trained on MSE gives: less level the less it knows."""
    gain = 1 - 10 ** (-snr_db / 10)
    return gain * with_error(wave, noise(wave), 10 * np.log10(gain / (1 - gain)))


@pytest.mark.parametrize("snr_db", [2, 5, 10, 20, 30])
@pytest.mark.parametrize("kind", [white, shaped, lowpass, quantised, best_guess])
def test_healthy_output_is_healthy(clips, kind, snr_db):
    pairs = [measure_pair(clip, kind(clip, snr_db)) for clip in clips]
    assert signs_of_pairs(pairs) == ()
    assert Validation(pairs).snr_db.value == pytest.approx(snr_db, abs=0.6)  # the fixture is what it says


@pytest.mark.parametrize("snr_db", [0.3, 0.8])
def test_a_codec_that_learns_is_quiet_and_not_collapsed(clips, snr_db):
    """As in the first minutes: the level of the best guess, or half of it where a loss on magnitudes shrinks it more."""
    for level in (1.0, 0.6):
        outputs = [level * best_guess(clip, snr_db) for clip in clips]
        assert max(measure_pair(clip, output).amplitude_percent.value for clip, output in zip(clips, outputs, strict=True)) < 45
        assert signs(clips, outputs) == ()


@pytest.mark.parametrize("level", [0.03, 0.1, 0.2])
def test_far_less_level_than_its_shape_is_worth_is_the_collapse(clips, level):
    (found,) = signs(clips, [level * best_guess(clip, 0.6) for clip in clips])  # a correlation of 0.36
    assert found.case == "collapse to silence" and "4 of 4 pairs" in found.measured


def test_the_original_itself_is_healthy(clips):
    assert signs(clips, clips) == ()


def test_speech_with_other_phases_is_not_called_ill(clips):
    """Noise in 20 ms with the level of speech in 12 bands: what a vocoder gives, with a correlation of 0."""
    outputs = []
    for clip in clips:
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(clip, 256), 512)[::128]  # [frames, 512]
        window = np.hanning(512)
        phases = np.exp(2j * np.pi * np.random.default_rng(5).random((len(frames), 257)))
        made = np.fft.irfft(np.abs(np.fft.rfft(frames * window)) * phases) * window
        output = np.zeros(len(clip) + 1024)
        for number, frame in enumerate(made):
            output[128 * number : 128 * number + 512] += frame
        output = output[256 : 256 + len(clip)]
        outputs.append(output * clip.std() / output.std())
        assert abs(measure_pair(clip, outputs[-1]).correlation.value) < 0.2
    assert signs(clips, outputs) == ()


def at_speed(wave, speed):
    played = soxr.resample(wave, speed, 1.0)[: len(wave)]
    return np.pad(played, (0, len(wave) - len(played)))


def clicking(wave):
    output = white(wave, 20)
    output[4000::4000] += 0.3 * np.abs(wave).max()
    return output


def with_nan(wave):
    output = wave.copy()
    output[100] = np.nan
    return output


def without(wave, lost):
    """20 ms frames that `lost` holds are silent."""
    frames = wave.reshape(-1, 320).copy()
    frames[lost(np.arange(len(frames)))] = 0
    return frames.ravel()


FAULTS = {
    "silence": (lambda wave: 0 * wave, "collapse to silence"),
    "quiet noise": (lambda wave: 0.05 * wave.std() * noise(wave), "collapse to silence"),
    "quiet, and upside down a little": (lambda wave: -0.1 * white(wave, -6), "collapse to silence"),
    "quiet and hardly alike": (lambda wave: 0.1 * white(wave, 0), "collapse to silence"),
    "noise": (lambda wave: wave.std() * noise(wave), "not decoding"),
    "only the first half decoded": (lambda wave: np.concatenate([wave[:16_000], 0 * wave[16_000:]]), "sound lost"),
    "every second frame lost": (lambda wave: without(wave, lambda number: number % 2 == 1), "sound lost"),
    "a frame in twelve lost": (lambda wave: without(white(wave, 15), lambda number: number % 12 == 7), "sound lost"),
    "frames lost, late": (lambda wave: np.roll(without(wave, lambda number: number % 3 == 1), 200), "sound lost", "delay"),
    "noise above the speech": (lambda wave: white(wave, -8), "too loud"),
    "integers that wrap around": (lambda wave: (6 * wave / np.abs(wave).max() + 1) % 2 - 1, "too loud"),
    "upside down": (lambda wave: -wave, "polarity flipped"),
    "upside down and noisy": (lambda wave: -white(wave, 8), "polarity flipped"),
    "one sample late": (lambda wave: np.roll(wave, 1), "delay"),
    "8 samples late, noisy": (lambda wave: white(np.roll(wave, 8), 10), "delay"),
    "37 samples early": (lambda wave: np.roll(wave, -37), "delay"),
    "3000 samples late": (lambda wave: np.roll(wave, 3000), "delay"),
    "40 samples put in": (lambda wave: np.insert(wave, 16_000, np.zeros(40))[:32_000], "delay changes"),
    "a frame left out, noisy": (lambda wave: white(np.append(np.delete(wave, slice(16_000, 16_320)), np.zeros(320)), 20), "delay changes"),
    "clocks 0.03 % apart": (lambda wave: np.interp(np.arange(32_000) * 1.0003, np.arange(32_000), wave), "delay changes"),
    "half": (lambda wave: 0.5 * wave, "wrong gain"),
    "a tenth": (lambda wave: 0.1 * wave, "wrong gain"),
    "double and noisy": (lambda wave: 2 * white(wave, 5), "wrong gain"),
    "int16 for float": (lambda wave: 32768 * wave, "wrong gain"),
    "offset": (lambda wave: wave + 0.05, "constant offset"),
    "constant": (lambda wave: 0 * wave + 0.1, "constant output"),
    "clipped": (lambda wave: np.clip(wave, -0.4 * np.abs(wave).max(), 0.4 * np.abs(wave).max()), "clipping"),
    "NaN": (with_nan, "not finite"),
    "infinite": (lambda wave: wave / 0.0, "not finite"),
    "8 kHz for 16": (lambda wave: at_speed(wave, 2.0), "wrong sample rate"),
    "24 kHz for 16": (lambda wave: at_speed(wave, 2 / 3), "wrong sample rate"),
    "clicks": (clicking, "clicks at boundaries"),
}


@pytest.mark.filterwarnings("ignore:.*divide")
@pytest.mark.filterwarnings("ignore:.*invalid")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_nothing_else(clips, fault):
    put_in, *cases = FAULTS[fault]
    told = signs(clips, [put_in(clip) for clip in clips])
    assert [found.case for found in told] == cases
    for found in told:
        assert found.where == ("0", "1", "2", "3") and "4 of 4 pairs" in found.measured
        assert all((found.threshold, found.causes, found.remedy))


def test_a_faithful_copy_of_a_clipped_original_does_not_clip(clips):
    clipped = [np.clip(clip, -0.4 * np.abs(clip).max(), 0.4 * np.abs(clip).max()) for clip in clips]
    assert signs(clipped, clipped) == ()


def test_other_speech_is_not_this_decoded(clips):
    (found,) = signs(clips, clips[1:] + clips[:1])
    assert found.case == "not decoding"


def test_a_level_that_was_normalised_away_is_named_over_files(clips):
    originals = [gain * clip for clip, gain in zip(clips, cycle([1, 0.3, 0.1, 0.03]), strict=False)]
    assert signs(originals, [white(clip, 15) for clip in originals]) == ()
    (found,) = signs(originals, [clip * 0.05 / clip.std() for clip in originals])
    assert found.case == "level erased" and "10 dB louder the output is 0.0 dB" in found.measured


def test_a_delay_is_told_in_samples_with_its_direction(clips):
    assert "37 samples too early" in signs(clips, [np.roll(clip, -37) for clip in clips])[0].measured
    assert "1 sample too late" in signs(clips, [np.roll(clip, 1) for clip in clips])[0].measured


def test_a_delay_that_hardly_matters_is_not_told(clips):
    outputs = [white(np.roll(clip, 1), 4) for clip in clips]  # undone, it would win 0.8 to 2.2 dB
    assert all(measure_pair(clip, output).alignment.delay == 1 for clip, output in zip(clips, outputs, strict=True))
    assert signs(clips, outputs) == ()


def test_jumps_here_and_there_are_no_boundaries(clips):
    outputs = [white(clip, 20) for clip in clips]
    for output in outputs:
        for at in (4000, 8000, 12_000, 16_000, 5100, 6300, 9700, 13_900, 18_200, 21_100, 24_700, 29_300):  # a third at equal distances
            output[at] += 0.3
    assert signs(clips, outputs) == ()


def test_the_share_and_the_beginning_of_what_is_lost_are_told(clips):
    (found,) = signs(clips[:1], [np.concatenate([clips[0][:24_000], 0 * clips[0][24_000:]])])
    assert "the first at 1.5" in found.measured


def test_a_codec_that_begins_at_silence_lost_nothing(clips):
    loud = [clip[np.argmax(np.abs(clip[:16_000])) :][:16_000] for clip in clips]
    assert signs(loud, [np.pad(clip[480:], (480, 0)) for clip in loud]) == ()


def test_the_course_of_a_delay_that_changes_is_told(clips):
    (found,) = signs(clips[:1], [np.insert(clips[0], 16_000, np.zeros(40))[:32_000]])
    assert "0 samples late from 0.5 s on, 40 samples late from 1.0 s on" in found.measured


def test_as_alike_upside_down_as_phases_left_to_chance_come_is_not_called_flipped(clips):
    outputs = [-white(clip, -3.6) for clip in clips]
    assert all(-0.56 < measure_pair(clip, output).alignment.correlation < -0.53 for clip, output in zip(clips, outputs, strict=True))
    assert "polarity flipped" not in [sign.case for sign in signs(clips, outputs)]


def test_two_faults_are_both_named_the_worse_first(clips):
    outputs = [-np.roll(clip, 20) + 0.05 for clip in clips]
    cases = [sign.case for sign in signs(clips, outputs)]
    assert cases[:2] == ["polarity flipped", "delay"]
    assert sorted(cases, key=CASES.index) == cases


def test_one_file_of_many_is_found_and_named(clips):
    outputs = [white(clip, 15) for clip in clips]
    outputs[2] = -outputs[2]
    (found,) = signs(clips, outputs)
    assert (found.case, found.where) == ("polarity flipped", ("2",)) and "1 of 4 pairs" in found.measured


def test_the_numbers_told_are_those_of_the_loudest(clips):
    originals = [0.3 * clips[0], clips[1], 0.3 * clips[2]]
    (found,) = signs(originals, [-clip for clip in originals])
    assert "(1); 3 of 3 pairs" in found.measured


def test_a_pause_that_is_lost_is_no_collapse(clips):
    quiet = 1e-3 * clips[0] / np.abs(clips[0]).max()
    assert signs([clips[0], quiet], [clips[0], 0 * quiet]) == ()


@pytest.mark.parametrize("num_samples", [1, 16_000])
def test_a_constant_original_may_have_a_constant_output(num_samples):
    assert signs([np.full(num_samples, 0.1)], [np.full(num_samples, 0.1)]) == ()


def test_a_silent_original_is_not_judged(clips):
    assert signs([np.zeros(32_000)], [clips[0]]) == ()
