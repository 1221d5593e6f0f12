"""Every codec on the shelf of peers keeps the contract: same length, no delay left, level kept, bits alone counted; or says how to install it."""

import itertools
import math
import os
import pickle
import subprocess
from functools import cache

import numpy as np
import pytest

from telucodec.errors import ConfigError
from telucodec.evaluation.baselines import PEERS, SHELF, amr_wb, codec2, lyra, opus_nolace, shared_library
from telucodec.evaluation.baselines.choose import beside, choose
from telucodec.evaluation.baselines.peer import Peer
from telucodec.evaluation.clips import Clip
from telucodec.evaluation.compare import compare
from telucodec.evaluation.contender import Contender
from telucodec.metrics import METRICS

VARIABLE_RATE = {"opus", "opus-audio", "opus-nolace"}
PARAMETRIC = {"codec2"}
"""Its waveform is its own, so that neither a delay nor an SNR can be found in it."""

INSTALLED_BY = {
    "amr-wb": "apt-get install libvo-amrwbenc0",
    "lc3": "apt-get install liblc3-0",
    "codec2": "apt-get install libcodec2",
    "opus-nolace": "apt-get install nodejs npm, then npm install",
    "lyra": "TELUCODEC_LYRA",
}


@pytest.fixture(scope="module")
def pieces(waves) -> list[np.ndarray]:
    """Three seconds of three clips, float32 [1, T] at 16 kHz."""
    return [wave[:, 8000:56_000] for wave in waves[:3]]


@pytest.fixture(scope="module")
def heard(pieces):
    """A contender -> its outputs [T] for `pieces`, worked out once."""

    @cache
    def of(contender: Contender) -> list[np.ndarray]:
        return [contender.decode(contender.encode(wave))[0] for wave in pieces]

    return lambda peer: {contender.name: of(contender) for contender in ends(peer)}


@cache
def here(peer: Peer) -> Peer:
    if peer.missing():
        pytest.skip(peer.missing())
    return peer


@cache
def ends(peer: Peer) -> list[Contender]:
    """Its lowest and its highest rate."""
    return [here(peer).at(kbps) for kbps in dict.fromkeys((peer.kbps[0], peer.kbps[-1]))]


def shelved(*without: str):
    return pytest.mark.parametrize("peer", [peer for peer in SHELF if peer.name not in without], ids=lambda peer: peer.name)


@shelved()
def test_names_and_rates_are_in_order(peer):
    assert list(peer.kbps) == sorted(set(peer.kbps))
    contenders = [here(peer).at(kbps) for kbps in peer.kbps]
    assert len({contender.name for contender in contenders}) == len(peer.kbps)
    assert {contender.family for contender in contenders} == {peer.label}
    for kbps, contender in zip(peer.kbps, contenders, strict=True):
        assert f"{kbps:g} kbps" in contender.label and contender.name.endswith(f"_{kbps:g}")
        assert contender.note and not contender.model and not contender.missing
        pickle.dumps(contender)


@shelved()
@pytest.mark.parametrize("num_samples", [0, 1, 319, 320, 321, 3200, 8001])
def test_the_length_comes_back_at_every_length(peer, num_samples):
    contender = ends(peer)[0]
    wave = np.random.default_rng(0).normal(0, 0.1, (1, num_samples)).astype(np.float32)
    output = contender.decode(contender.encode(wave))
    assert output.shape == wave.shape and output.dtype == np.float32


@shelved(*PARAMETRIC)
def test_a_sample_more_or_less_of_delay_is_worse(peer, pieces, heard):
    """At 16 kHz, in mean SNR over clips."""
    for name, outputs in heard(peer).items():
        found = {}
        for shift in (-1, 0, 1):
            snrs = [METRICS["snr_db"].measure(wave[0], np.roll(output, shift)).value for wave, output in zip(pieces, outputs, strict=True)]
            found[shift] = float(np.mean(snrs))
        assert max(found, key=found.get) == 0, (name, found)


def test_the_part_of_a_sample_that_is_left_of_amr_wbs_delay_costs_what_its_note_says(pieces, heard):
    contender = ends(PEERS["amr-wb"])[-1]
    assert "SNR is up to some 0.5 dB low" in contender.note
    won = []
    for wave, output in zip(pieces, heard(PEERS["amr-wb"])[contender.name], strict=True):
        turns = np.exp(-2j * np.pi * np.fft.rfftfreq(2 * output.size) * np.arange(-1, 1.1, 0.1)[:, None])  # [delays, bins]
        moved = np.fft.irfft(np.fft.rfft(output, 2 * output.size) * turns)[:, : output.size]
        snrs = [METRICS["snr_db"].measure(wave[0], each).value for each in moved]
        won.append(max(snrs) - snrs[10])
    assert 0 <= np.mean(won) < 0.6


@pytest.mark.parametrize("kbps", [0.7, 1.3, 3.2])
def test_codec2_is_most_intelligible_where_it_stands(waves, kbps):
    contender = here(PEERS["codec2"]).at(kbps)
    outputs = [contender.decode(contender.encode(wave))[0] for wave in waves]
    found = {}
    for shift in (-80, 0, 80):  # 5 ms
        stois = [METRICS["stoi"].measure(wave[0], np.roll(output, shift)).value for wave, output in zip(waves, outputs, strict=True)]
        found[shift] = float(np.mean(stois))
    assert max(found, key=found.get) == 0, found


@shelved()
def test_the_level_is_kept(peer, pieces, heard):
    for name, outputs in heard(peer).items():
        levels = [math.sqrt(sum(float(np.sum(np.square(wave))) for wave in pooled)) for pooled in (pieces, outputs)]
        assert 0.85 < levels[1] / levels[0] < 1.2, (name, levels)


@shelved()
def test_what_is_counted_is_the_rate_it_states(peer, pieces):
    for kbps in here(peer).kbps:
        contender = peer.at(kbps)
        measured = 8 * contender.num_bytes(contender.encode(pieces[0])) / pieces[0].shape[-1] * 16
        if peer.name in VARIABLE_RATE:
            assert 0.4 * kbps < measured < 1.1 * kbps
        else:
            frames_more_s = 0.12  # the last frame's rest, and those that push a codec's delay out
            assert kbps * 0.99 < measured < kbps * (1 + frames_more_s * 16_000 / pieces[0].shape[-1])


def test_bits_that_are_no_whole_bytes_are_counted_end_to_end():
    assert codec2.payload_bytes(codec2.Codec2Clip((b"",) * 25, 52, 1.3, 16_000)) == 163  # 1300 bits a second
    assert amr_wb.payload_bytes(amr_wb.AmrWbClip((b"",) * 50, 1, 16_000)) == 1107  # 8850
    assert PEERS["amr-wb"].kbps == (6.6, 8.85, 12.65, 14.25, 15.85, 18.25, 19.85, 23.05, 23.85)  # TS 26.190, section 1


@shelved()
def test_more_bits_sound_closer_to_the_original(peer, pieces, heard):
    least, most = (
        np.mean([METRICS["stoi"].measure(wave[0], output).value for wave, output in zip(pieces, outputs, strict=True)])
        for outputs in heard(peer).values()
    )
    assert most > least


@shelved("codec2")  # one sequence of random phases for a whole process
def test_the_same_wave_gives_the_same_sound_whatever_came_before(peer, waves):
    contender = ends(peer)[0]
    first, _, again = (contender.decode(contender.encode(wave[:, :8000])) for wave in (waves[0], waves[1], waves[0]))
    np.testing.assert_array_equal(first, again)


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine where no peer's program is installed."""
    caches = [shared_library.shared_library, *(PEERS[name].require for name in INSTALLED_BY)]
    clear = [cached.cache_clear for cached in caches if hasattr(cached, "cache_clear")]
    for cleared in clear:
        cleared()
    monkeypatch.setattr(shared_library, "find_library", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TELUCODEC_LYRA", raising=False)
    yield
    for cleared in clear:
        cleared()


def test_what_is_missing_is_a_row_with_the_line_that_installs_it(bare, waves):
    contenders = choose([peer.name for peer in SHELF], [6.3])
    reasons = {contender.name: contender.missing for contender in contenders if contender.missing}
    assert set(reasons) >= set(INSTALLED_BY) and not set(reasons) & {"opus", "opus-audio", "mp3"}
    assert all(remedy in reasons[name] for name, remedy in INSTALLED_BY.items())
    assert not any("\n" in reason for reason in reasons.values())
    assert [family for family, _ in itertools.groupby(contender.family for contender in contenders)] == [peer.label for peer in SHELF]
    trials, _ = compare([Clip("a", lambda: waves[0])], contenders, [METRICS["snr_db"]], num_samples=0)
    for trial in trials:
        reason = reasons.get(trial.contender)
        assert trial.failure == (f"not available: {reason}" if reason else "")


def test_a_folder_without_lyra_s_files_names_them(monkeypatch, tmp_path):
    (tmp_path / lyra.FILES[0]).touch()
    monkeypatch.setenv("TELUCODEC_LYRA", str(tmp_path))
    reason = PEERS["lyra"].missing()
    assert str(tmp_path) in reason and lyra.FILES[1] in reason and lyra.FILES[0] not in reason


def test_lyra_s_files_are_told_apart_by_what_is_in_them(monkeypatch, tmp_path):
    monkeypatch.setattr(lyra, "of_python", lambda package: f"{package} 1.0")
    monkeypatch.setattr(lyra, "folder", lambda: tmp_path)
    told = []
    for last in (b"", b"other"):
        for name in lyra.FILES:
            (tmp_path / name).write_bytes(last if name == lyra.FILES[-1] else b"")
        told.append(PEERS["lyra"].at(6.0).library())
    assert told[0] != told[1] and all(library.startswith("ai-edge-litert 1.0") for library in told)


def test_node_without_the_decoder_is_told_apart_from_no_node(monkeypatch, tmp_path):
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\nexit 1\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    opus_nolace.node.cache_clear()
    try:
        assert "NODE_PATH" in PEERS["opus-nolace"].missing()
    finally:
        opus_nolace.node.cache_clear()


def test_a_decoder_that_fails_leaves_a_hole_with_its_words(monkeypatch, waves):
    contender = opus_nolace.opus_nolace(12)
    monkeypatch.setattr(opus_nolace, "node", lambda: "node")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, b"", b"out of\nmemory"))
    (trial,), _ = compare([Clip("a", lambda: waves[0])], [contender], [METRICS["snr_db"]], num_samples=0)
    assert "out of memory" in trial.failure and trial.num_bytes > 0 and trial.values["snr_db"] is None


def test_a_name_stands_for_the_rates_next_to_ours():
    assert beside((1.0, 2.0, 4.0, 8.0), [2.0, 3.0]) == [2.0, 4.0]
    assert beside((16.0, 24.0), [3.2, 6.3]) == [16.0]
    assert beside((0.7, 3.2), [6.3]) == [3.2]
    assert [c.name for c in choose(["mp3@24", "opus"], [6.3])] == ["mp3_24", "opus_6", "opus_8"]
    assert [c.name for c in choose(["opus", "opus@24", "opus@6"], [6.3])] == ["opus_6", "opus_8", "opus_24"]


@pytest.mark.parametrize(
    "word, told", [("vorbis", "choose among opus,"), ("opus@7", "its rates in kbps are 6, 8,"), ("mp3@", "no rate ''")]
)
def test_a_peer_or_rate_nobody_knows_is_told_so(word, told):
    with pytest.raises(ConfigError, match=told):
        choose([word], [6.3])
