import numpy as np

from telucodec.audio.mdct import basis, inverse_mdct, mdct


def test_basis_is_orthonormal_with_its_neighbours():
    first, second = basis(320)[:, :320], basis(320)[:, 320:]
    np.testing.assert_allclose(first @ first.T + second @ second.T, np.eye(320), atol=1e-5)
    np.testing.assert_allclose(second @ first.T, 0, atol=1e-5)


def test_waveform_comes_back():
    wave = np.random.randn(320 * 12).astype(np.float32)
    sound, _ = inverse_mdct(mdct(wave, 320), np.zeros(320, np.float32))
    np.testing.assert_allclose(sound[320:], wave[320:-320], atol=1e-5)


def test_energy_is_kept():
    wave = np.zeros(320 * 12, np.float32)
    wave[640:-640] = np.random.randn(320 * 8)
    np.testing.assert_allclose((mdct(wave, 320) ** 2).sum(), (wave**2).sum(), rtol=1e-4)


def test_frames_in_two_parts_sound_like_the_whole():
    coefficients = np.random.randn(9, 320).astype(np.float32)
    whole, _ = inverse_mdct(coefficients, np.zeros(320, np.float32))
    first, tail = inverse_mdct(coefficients[:4], np.zeros(320, np.float32))
    second, _ = inverse_mdct(coefficients[4:], tail)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, atol=1e-6)
