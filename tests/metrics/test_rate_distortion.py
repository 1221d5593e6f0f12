import numpy as np
import pytest

from telucodec.metrics.metric import NotMeasured
from telucodec.metrics.rate_distortion import WaterFilling, bracket, judge, local_means

AR = 0.9


def test_white_noise_takes_a_bit_for_every_6_db():
    white = WaterFilling(np.full(1000, 0.3))
    assert white.bits_for(20 * np.log10(2)) == pytest.approx(1000)
    assert white.snr_db_for(4000) == pytest.approx(4 * 20 * np.log10(2))


def test_coloured_noise_saves_its_spectral_flatness_once_all_of_it_is_coded():
    """x[t] = a x[t-1] + e[t]: the rate is log2((1 - a^2) s / D) / 2 a sample while D lies below the whole spectrum."""
    angles = np.pi * (np.arange(200_000) + 0.5) / 200_000
    spectrum = 1 / (1 - 2 * AR * np.cos(angles) + AR**2)
    distortion = 0.9 / (1 + AR) ** 2  # just below the spectrum's least
    snr_db = 10 * np.log10(1 / (1 - AR**2) / distortion)
    assert WaterFilling(spectrum).bits_for(snr_db) / len(spectrum) == pytest.approx(0.5 * np.log2(1 / distortion), rel=1e-6)


def test_components_below_the_water_cost_nothing_and_are_lost():
    two = WaterFilling(np.array([4.0, 1.0]))
    assert two.bits_for(10 * np.log10(5 / 3)) == pytest.approx(0.5)  # level 2: the first costs log2(4 / 2) / 2, the second is given up
    assert two.snr_db_for(0.5) == pytest.approx(10 * np.log10(5 / 3))


def test_rate_and_snr_are_inverses():
    filling = WaterFilling(np.exp(2 * np.random.randn(500)))
    for snr_db in (0.1, 3, 10, 30, 60):
        assert filling.snr_db_for(filling.bits_for(snr_db)) == pytest.approx(snr_db)
    assert filling.bits_for(0) == filling.snr_db_for(0) == 0


def test_far_more_bits_than_components_take_6_db_each_and_no_end():
    assert WaterFilling(np.full(800, 0.3)).snr_db_for(1e6) == pytest.approx(1250 * 20 * np.log10(2))  # 1,250 bits for each of 800


def test_noise_heard_through_the_transform_takes_what_its_spectrum_says():
    """White noise of 16,000 samples a second at 12 dB: 2 bits a sample.

    The mean of n squares of the noise itself is known, which saves (ln(n / 2) - psi(n / 2)) / (2 ln 2) bits, psi of a whole m being
    1 + 1 / 2 + ... + 1 / (m - 1) - 0.5772.
    """
    found = bracket([0.1 * np.random.randn(160_000)])
    for kbps, places in zip(found.kbps_for(40 * np.log10(2)), (4, 16), strict=True):
        psi = sum(1 / m for m in range(1, places // 2)) - np.euler_gamma
        assert kbps == pytest.approx(16 * (2 - (np.log(places / 2) - psi) / (2 * np.log(2))), rel=0.01)


def test_means_keep_the_energy():
    powers = np.random.rand(7, 11)
    means = local_means(powers, 3, 4)
    assert means.sum() == pytest.approx(powers.sum())
    assert np.unique(means[:3, :4]).size == 1


def test_the_shipped_codec_stays_below_the_optimistic_end_and_about_reaches_the_other(codec, telugu):
    data = codec.encode(telugu, kbps=6.0, mode="fidelity")
    kbps = 8 * len(data) / (telugu.shape[-1] / 16_000) / 1000
    noise = telugu - codec.decode(data)
    reached = 10 * np.log10((telugu**2).sum() / (noise**2).sum())
    found = bracket([telugu[0]])
    assert found.snr_db_for(kbps)[0] < reached < found.snr_db_for(kbps)[1] - 1
    assert "the shipped codec" in judge(found, kbps, reached).verdict
    assert found.snr_db_for(4.0)[1] < 35 < found.snr_db_for(60.0)[0]


def test_silence_has_no_rate():
    with pytest.raises(NotMeasured, match="silent"):
        bracket([np.zeros(16_000)])
    with pytest.raises(NotMeasured, match="no sound"):
        bracket([])


def test_what_the_audio_rules_out_is_said(telugu):
    found = bracket([telugu[0]])
    assert judge(found, 4.0, 35.0).verdict.startswith("out of reach by an optimistic estimate")  # and never as if it were proven
    within = judge(found, 24.0, 12.0)
    assert within.verdict.startswith("not ruled out")
    assert within.needed_kbps[1] < 24
    low, high = found.snr_db_for(6.0)
    told = [judge(found, 6.0, snr_db).verdict for snr_db in (low - 0.1, low + 0.1, high - 0.1, high + 0.1)]
    assert [words.split()[0] for words in told] == ["not", "between", "between", "out"]
