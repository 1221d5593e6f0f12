"""What metrics of the voice say of sounds whose answer is known."""

import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from telucodec.audio.media import read_media
from telucodec.audio.mel import FULL_SCALES
from telucodec.losses.mel import MelConfig
from telucodec.losses.waves import Waves
from telucodec.metrics import METRICS, speaker_similarity

SPEECH = sorted((Path(__file__).parents[2] / "examples" / "speech" / "test" / "cv-telugu").glob("*.flac"))


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """Telugu speech, float64 [T] at 16 kHz."""
    return read_media(SPEECH[0])[0].astype(np.float64)


def value(name: str, reference: np.ndarray, estimate: np.ndarray) -> float:
    measured = METRICS[name].measure(reference, estimate)
    assert measured.reason == ""
    return measured.value


def hole(name: str, reference: np.ndarray, estimate: np.ndarray) -> str:
    measured = METRICS[name].measure(reference, estimate)
    assert np.isnan(measured.value) and measured.reason
    return measured.reason


def buzz(frequency: float, seconds: float = 1.0) -> np.ndarray:
    """Harmonics of a steady voice, [T]."""
    time = np.arange(round(16_000 * seconds)) / 16_000
    return 0.1 * sum(np.sin(2 * np.pi * frequency * k * time) / k for k in range(1, 11))


@pytest.mark.parametrize("cents", [-300, 50, 1200])
def test_a_pitch_moved_by_so_many_cents_is_off_by_as_many(cents):
    assert value("f0_error_cents", buzz(150), buzz(150 * 2 ** (cents / 1200))) == pytest.approx(abs(cents), abs=10)


def test_a_voice_that_falls_silent_half_way_is_half_a_voicing_error():
    output = buzz(150)
    output[8000:] = 0
    assert value("voicing_error_percent", buzz(150), output) == pytest.approx(50, abs=4)
    assert value("f0_error_cents", buzz(150), output) < 5  # of the half where both have a voice


@pytest.mark.parametrize("gain", [0.003, 1.9, -1.0])
def test_level_and_sign_do_not_change_pitch(voice, gain):
    noisy = voice + np.random.default_rng(0).normal(0, 0.01, len(voice))
    for name in ("f0_error_cents", "voicing_error_percent"):
        assert value(name, gain * voice, gain * noisy) == pytest.approx(value(name, voice, noisy), abs=0.5)


def test_noise_has_no_pitch_and_says_so(voice):
    noise = np.random.default_rng(0).normal(0, 0.05, len(voice))
    for name in ("f0_error_cents", "voicing_error_percent"):
        assert "no voice was found in the original" in hole(name, noise, voice)
    assert "no voice was found in the output" in hole("f0_error_cents", voice, noise)


def test_the_mel_distance_is_the_loss_in_db(voice):
    output = 0.8 * voice + np.random.default_rng(0).normal(0, 0.003, len(voice))
    loss = MelConfig(scales=FULL_SCALES).build(16_000)
    expected = 20 * loss(Waves(*(torch.from_numpy(wave).float()[None, None] for wave in (voice, output)))).item()
    assert value("mel_distance_db", voice, output) == pytest.approx(expected, rel=1e-4)


def test_noise_at_half_the_level_is_6_db_of_mel_distance_and_a_copy_none():
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000)
    assert value("mel_distance_db", noise, 0.5 * noise) == pytest.approx(20 * np.log10(2), abs=0.01)
    assert value("mel_distance_db", noise, -noise) == 0


def test_a_copy_is_understood_in_full(voice):
    assert value("estoi", voice, voice) == pytest.approx(1)
    assert value("stoi", voice, voice) == pytest.approx(1)


def test_estoi_leaves_the_random_numbers_of_others_alone(voice):
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    value("estoi", voice, 0.5 * voice)
    assert np.random.random() == expected


def test_threads_side_by_side_measure_estoi_as_one_does(voice):
    muted = 0.5 * voice * (np.arange(len(voice)) > len(voice) / 4)  # what lies there has numbers drawn for it
    before, alone = np.random.get_state()[1].copy(), value("estoi", voice, muted)
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: value("estoi", voice, muted), range(12))) == {alone}
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_muted_stretches_decide_estoi_less_than_it_is_printed_with(voice, monkeypatch):
    output, scores = voice.copy(), []
    output[len(voice) // 2 : 3 * len(voice) // 4] = 0
    for seed in range(4):
        monkeypatch.setattr("telucodec.metrics.estoi.SEED", seed)
        scores.append(value("estoi", voice, output))
    assert max(scores) - min(scores) < 0.02


def test_dnsmos_hears_noise_and_not_the_original(voice):
    noisy = voice + np.random.default_rng(0).normal(0, 0.03, len(voice))
    assert value("dnsmos", voice, noisy) < value("dnsmos", voice, voice) - 0.3
    assert value("dnsmos", voice, noisy) == value("dnsmos", noisy, noisy)


def test_a_clip_longer_than_the_window_of_dnsmos_is_heard_to_its_end(voice):
    long = np.tile(voice, 3)[: 11 * 16_000]
    spoilt = long.copy()
    spoilt[-32_000:] += np.random.default_rng(0).normal(0, 0.1, 32_000)
    assert value("dnsmos", long, spoilt) < value("dnsmos", long, long) - 0.1


def test_a_voice_is_nearer_to_itself_in_other_words_than_to_another(voice):
    other_words, other_voice = (
        read_media(path)[0].astype(np.float64) for path in (SPEECH[1], min(SPEECH[0].parents[2].glob("kerstin/*.flac")))
    )
    size = min(map(len, (voice, other_words, other_voice)))
    same, other = (value("speaker_similarity", voice[:size], wave[:size]) for wave in (other_words, other_voice))
    assert value("speaker_similarity", voice, 0.7 * voice) == pytest.approx(1, abs=0.03)
    assert same > other + 0.1


def test_a_last_stretch_of_which_a_quarter_is_missing_is_not_heard(voice):
    """Resemblyzer's compute_partial_slices, at 1.3 stretches a second and a coverage of 0.75."""
    network, sound = speaker_similarity._network(), 0.2 * voice[8000:] / voice.std()
    for seconds, heard_s in ((2.6, 2.38), (2.9, 2.9)):  # the third stretch begins at 1.54 s: 1.07 s of it are there, or 1.37
        wave = sound[: round(16_000 * seconds)]
        early, late = wave.copy(), wave.copy()
        early[round(16_000 * (heard_s - 0.2)) :] = 0
        late[round(16_000 * (heard_s + 0.01)) :] = 0
        heard = speaker_similarity._voice(wave, network)
        assert np.array_equal(speaker_similarity._voice(late, network), heard)
        assert not np.allclose(speaker_similarity._voice(early, network), heard, atol=1e-3)


def test_a_soft_voice_is_brought_to_one_level_and_a_loud_one_left(voice):
    """Resemblyzer's normalize_volume, which only ever increases."""
    network, sound = speaker_similarity._network(), voice[:32_000] / voice[:32_000].std()
    soft, softer, loud, louder = (speaker_similarity._voice(level * sound, network) for level in (0.02, 0.01, 0.05, 0.1))
    np.testing.assert_allclose(soft, softer, atol=1e-5)
    assert np.abs(loud - louder).max() > 1e-3


def test_the_network_of_voices_is_torchs():
    rng, speakers = np.random.default_rng(0), speaker_similarity
    weights = {
        name: rng.normal(0, 0.3, shape).astype(np.float32)
        for name, shape in {"weight_ih": (1024, 40), "weight_hh": (1024, 256), "bias_ih": (1024,), "bias_hh": (1024,)}.items()
    }
    lstm = torch.nn.LSTM(40, 256)
    lstm.load_state_dict({f"{name}_l0": torch.from_numpy(weight) for name, weight in weights.items()})
    sequence = rng.normal(0, 1, (30, 2, 40)).astype(np.float32)
    expected = lstm(torch.from_numpy(sequence))[0].detach().numpy()
    np.testing.assert_allclose(speakers._lstm(sequence, *weights.values()), expected, atol=1e-5)


def test_tensors_are_read_as_torch_wrote_them_and_nothing_else_is():
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor([-1.5])}
    written = io.BytesIO()
    torch.save({"model_state": tensors}, written, _use_new_zipfile_serialization=False)
    written.seek(0)
    found = speaker_similarity._tensors(written)
    assert all(np.array_equal(found[name], tensor.numpy()) for name, tensor in tensors.items())
    with pytest.raises(pickle.UnpicklingError, match="no part of a tensor"):
        speaker_similarity._tensors(io.BytesIO(pickle.dumps(print) * 4))


def test_without_its_package_there_is_no_speaker_and_the_line_that_brings_it(voice, monkeypatch):
    monkeypatch.setattr(speaker_similarity, "find_spec", lambda package: None)
    speaker_similarity._network.cache_clear()
    assert hole("speaker_similarity", voice, voice) == "not installed: pip install --no-deps resemblyzer"
