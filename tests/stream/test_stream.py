"""Live packets: pieces equal the whole, rates stay within their bound, lost packets cost themselves, hostile ones nothing."""

import dataclasses
import random
from pathlib import Path

import numpy as np
import pytest

from telucodec.audio.mdct import mdct, whole_mdct
from telucodec.audio.media import read_media
from telucodec.bitstream.rangecoder import from_fewest_bytes
from telucodec.errors import BitstreamError, ModelError, TelucodecError
from telucodec.runtime.context import Layers
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.frames import MAX_MAGNITUDE
from telucodec.runtime.model import HOP
from telucodec.runtime.start import NUM_STARTS, starts
from telucodec.runtime.transform import TransformCodec
from telucodec.runtime.wave import LOUDEST
from telucodec.stream import Decoder, Encoder, load_live_codec
from telucodec.stream.continuation import HISTORY, continued, pitch
from telucodec.stream.encoder import MOST_KBPS
from telucodec.stream.packet import MAX_BYTES, StreamPacket, live_identity
from telucodec.stream.reservoir import RESERVOIR_S

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def speech(telugu):
    return telugu[:, 16_000:][:, : 2 * 16_000 + 77]


def snr_db(reference, estimate):
    return 10 * np.log10((reference**2).sum() / ((reference - estimate) ** 2).sum())


def packets_of(codec, wave, **options):
    encoder = Encoder(codec, **options)
    return encoder.push(wave) + encoder.finish()


def sound_of(codec, packets, frames, wave):
    decoder = Decoder(codec, frames)
    return np.concatenate([decoder.push(packet) for packet in packets], axis=-1)[:, HOP:][:, : wave.shape[-1]]


def cut_at_random(wave):
    place = 0
    while place < wave.shape[-1]:
        size = random.choice([0, 1, 7, 160, 319, 320, 641, 5000])
        yield wave[:, place : place + size]
        place += size


@pytest.mark.parametrize("mode, frames, copies", [("natural", 1, True), ("natural", 2, False), ("fidelity", 3, False)])
def test_packets_do_not_depend_on_how_samples_arrive(codec, speech, mode, frames, copies):
    options = {"kbps": 12, "mode": mode, "packet_frames": frames, "copies": copies}
    whole = packets_of(codec, speech, **options)
    for _ in range(3):
        encoder = Encoder(codec, **options)
        pieces = [packet for piece in cut_at_random(speech) for packet in encoder.push(piece)]
        assert pieces + encoder.finish() == whole


def test_a_packet_leaves_as_soon_as_its_samples_and_its_sound_lags_by_the_stated_latency(codec):
    for frames in (1, 2, 3):
        encoder, decoder = Encoder(codec, packet_frames=frames), Decoder(codec, frames)
        assert encoder.latency_ms == 20 * (frames + 1)
        click = np.zeros((1, frames * HOP), np.float32)
        click[0, 0] = 0.5
        assert encoder.push(click[:, :-1]) == []
        heard = [decoder.push(packet) for packet in encoder.push(click[:, -1:])]
        for _ in range(3):
            heard += [decoder.push(packet) for packet in encoder.push(0 * click)]
        heard = np.concatenate(heard, axis=-1)[0]
        assert np.abs(heard).argmax() == HOP  # and `frames` more were waited for before it began to come out
    assert Encoder(codec).latency_ms <= 60


@pytest.mark.parametrize("mode, least_db", [("natural", 15), ("fidelity", 18)])
def test_live_speech_at_10_kbps_is_close_to_the_waveform(codec, speech, mode, least_db):
    packets = packets_of(codec, speech, kbps=10, mode=mode)
    assert snr_db(speech, sound_of(codec, packets, 2, speech)) > least_db


@pytest.mark.parametrize("kbps, frames, copies", [(6, 1, False), (8, 1, True), (10, 2, False), (24, 3, True)])
def test_no_stretch_takes_more_than_its_share_and_the_reservoir(codec, speech, kbps, frames, copies):
    loud = np.clip(np.random.randn(1, 16_000), -1, 1).astype(np.float32)
    wave = np.concatenate([speech[:, :16_000], np.zeros_like(loud), loud], axis=-1)
    bits = np.cumsum([0] + [8 * len(packet) for packet in packets_of(codec, wave, kbps=kbps, packet_frames=frames, copies=copies)])
    packet_s = frames * HOP / 16_000
    for length in range(1, len(bits)):
        assert (bits[length:] - bits[:-length]).max() <= 1000 * kbps * (length * packet_s + RESERVOIR_S)


@pytest.mark.parametrize("kbps, frames, copies", [(4, 1, False), (8, 1, True), (1.4, 3, False)])
@pytest.mark.parametrize("mode", ["natural", "fidelity"])
def test_sound_far_beyond_full_scale_stays_within_the_bound_too(codec, mode, kbps, frames, copies):
    sometimes = (np.arange(8_000) // 700) % 2
    wave = (64 * np.random.uniform(-1, 1, (1, 8_000)) * sometimes).astype(np.float32)
    spent = np.cumsum([8 * len(packet) for packet in packets_of(codec, wave, mode=mode, kbps=kbps, packet_frames=frames, copies=copies)])
    seconds = np.arange(1, len(spent) + 1) * frames * HOP / 16_000
    assert (spent <= 1000 * kbps * (seconds + RESERVOIR_S)).all()


@pytest.mark.parametrize("mode", ["natural", "fidelity"])
@pytest.mark.parametrize("frames", [1, 3])
def test_no_live_step_is_too_fine_for_the_loudest_sound(codec, monkeypatch, mode, frames):
    largest, symbols = [], EntropyCoder.symbols
    monkeypatch.setattr(
        EntropyCoder, "symbols", lambda coder, told, *given: largest.append(told.halves.max()) or symbols(coder, told, *given)
    )
    tone = (LOUDEST * np.sin(2 * np.pi * 1025 / 16_000 * np.arange(32_000)))[None].astype(np.float32)  # few integers, all of them large
    packets_of(codec, tone * (np.arange(32_000) > 8_000), mode=mode, kbps=MOST_KBPS, packet_frames=frames)
    assert max(largest) < MAX_MAGNITUDE / 256


@pytest.mark.parametrize("mode", ["natural", "fidelity"])
def test_the_asked_rate_is_met_on_speech_and_silence_costs_little(codec, telugu, mode):
    packets = packets_of(codec, telugu[:, 8_000:], kbps=8, mode=mode)
    spoken = [packet for packet in packets if len(packet) > 8]
    assert 8 * sum(map(len, spoken)) / (0.04 * len(spoken)) / 1000 == pytest.approx(8, rel=0.25)
    silence = packets_of(codec, np.zeros((1, 16_000), np.float32), kbps=8, mode=mode)
    assert max(map(len, silence)) <= 6


def test_a_lost_packet_costs_that_packet_and_no_other(codec, speech):
    packets = packets_of(codec, speech, kbps=10)
    whole, decoder = sound_of(codec, packets, 2, speech), Decoder(codec)
    heard = np.concatenate([decoder.lose() if number == 20 else decoder.push(packet) for number, packet in enumerate(packets)], axis=-1)
    heard = heard[:, HOP:][:, : speech.shape[-1]]
    first, after = 20 * 2 * HOP - HOP, 21 * 2 * HOP
    np.testing.assert_array_equal(heard[:, :first], whole[:, :first])
    np.testing.assert_array_equal(heard[:, after:], whole[:, after:])
    assert (heard[:, first:after] != whole[:, first:after]).any()


def losing(codec, packets, lost, how):
    """Sound of `packets` without the `lost` ones, which are "recovered" from copies, "led" to the packet after or merely "continued"."""
    decoder, pieces = Decoder(codec), []
    for number, packet in enumerate(packets):
        if number not in lost:
            pieces.append(decoder.push(packet))
        elif how == "recovered":
            pieces.append(decoder.recover(packets[number + 1]))
        else:
            pieces.append(decoder.lose(packets[number + 1] if how == "led" else None))
    return np.concatenate(pieces, axis=-1)[:, HOP:]


def spectral_distance_db(reference, estimate):
    """Mean distance of the bands' levels, 20 ms frames, 16 bands of 500 Hz."""

    def levels(wave):
        return 10 * np.log10((whole_mdct(wave[0], HOP) ** 2).reshape(-1, 16, 20).mean(axis=-1) + 1e-6)

    return np.abs(levels(reference) - levels(estimate)).mean()


def test_concealment_sounds_nearer_than_silence_and_nearer_still_the_more_is_known(codec, telugu):
    speech = telugu[:, 8_000:88_000]
    packets = packets_of(codec, speech, kbps=16, copies=True)
    lost = set(range(3, len(packets) - 1, 5))
    silent = np.concatenate([np.full((1, 2 * HOP), n not in lost) for n in range(len(packets))], axis=-1)
    muted = losing(codec, packets, (), "") * silent[:, HOP:]
    heard = [muted, *(losing(codec, packets, lost, how) for how in ("continued", "led", "recovered"))]
    distances = [spectral_distance_db(speech, sound[:, : speech.shape[-1]]) for sound in heard]
    assert distances == sorted(distances, reverse=True)
    led, recovered = (snr_db(speech, sound[:, : speech.shape[-1]]) for sound in heard[2:])
    assert recovered > led + 3


def test_a_voice_goes_on_at_its_pitch(codec):
    time = np.arange(HISTORY + 2 * HOP)
    voice = sum(np.cos(2 * np.pi * h * time / 125 + h) / h for h in range(1, 9)).astype(np.float32)
    lag, periodic = pitch(voice[:HISTORY])
    assert lag in (125, 250)
    assert periodic > 0.99
    (true,) = mdct(voice[HISTORY:], HOP)
    made_up = continued(voice[:HISTORY], np.zeros(HOP, np.float32), np.ones(HOP, np.float32))
    assert np.corrcoef(true, made_up)[0, 1] > 0.97


def test_a_following_packet_that_does_not_decode_is_passed_over(codec, speech):
    packets = packets_of(codec, speech)[:10]
    heard = []
    for following in (None, b"", bytes([1, 89, 0])):
        decoder = Decoder(codec)
        for packet in packets:
            decoder.push(packet)
        heard.append(decoder.lose(following))
    assert np.abs(heard[0]).max() > 0
    np.testing.assert_array_equal(heard[0], heard[1])
    np.testing.assert_array_equal(heard[0], heard[2])


def test_long_loss_fades_to_silence(codec, speech):
    decoder = Decoder(codec)
    for packet in packets_of(codec, speech, kbps=10)[:25]:
        before = decoder.push(packet)
    levels = [np.sqrt((decoder.lose() ** 2).mean()) for _ in range(25)]
    assert levels[-1] < 0.01 * np.sqrt((before**2).mean())
    assert np.isfinite(levels).all()


@pytest.mark.parametrize("mode", ["natural", "fidelity"])
def test_another_matrix_product_reads_the_same_symbols(codec, speech, mode, monkeypatch):
    answer = Layers.__call__

    def in_double(layers, features, positions=None):
        return answer(layers, features.astype(np.float64), positions).astype(np.float32)

    packets = packets_of(codec, speech[:, :9000], mode=mode)
    heard = sound_of(codec, packets, 2, speech[:, :9000])
    monkeypatch.setattr(Layers, "__call__", in_double)
    other = TransformCodec(codec.model)  # which has asked no network yet
    assert packets_of(other, speech[:, :9000], mode=mode) == packets
    np.testing.assert_array_equal(sound_of(other, packets, 2, speech[:, :9000]), heard)


@pytest.mark.parametrize("source", sorted(GOLDEN.rglob("*.live")), ids=lambda path: path.relative_to(GOLDEN).as_posix())
def test_golden_packets_decode_as_on_the_day_they_were_made(source):
    data, place, pieces = source.read_bytes(), 0, []
    decoder = Decoder(load_live_codec(source.parent), int(source.stem[-1]))
    while place < len(data):
        size = int.from_bytes(data[place : place + 2], "little")
        pieces.append(decoder.push(data[place + 2 : place + 2 + size]))
        place += 2 + size
    decoded, expected = np.clip(np.concatenate(pieces, axis=-1), -1, 32767 / 32768), read_media(source.with_suffix(".flac"))
    assert decoded.shape == expected.shape
    assert np.abs(np.round(decoded * 32768) - np.round(expected * 32768)).max() <= 1


@pytest.mark.parametrize(
    ("folder", "identity"),
    [
        (GOLDEN, "f487fb7b"),
        (GOLDEN / "signs", "589292aa"),
        (GOLDEN / "turns", "d55f8f74"),
        (GOLDEN / "unsent", "681064c2"),
        (GOLDEN / "weighed", "7d112ff7"),
        (GOLDEN / "tails", "596e41c0"),
    ],
)
def test_golden_packets_are_there_and_their_identity_stands(folder, identity):
    assert len(list(folder.glob("*.live"))) == 3
    assert live_identity(load_live_codec(folder).model).hex() == identity


def test_starts_save_bits(codec, speech):
    """Of frames on their own, which is what they are for."""
    saved = []
    for packet in packets_of(codec, speech, packet_frames=1):
        told = StreamPacket.from_bytes(packet)
        if told.cut:
            coder = EntropyCoder(codec.model)
            (frames,) = coder.decode([from_fewest_bytes(told.payload)], [1], [told.cut], told.power, starts()[told.start])
            with_start, without = (coder.ideal_bits(frames, told.cut, told.power, start) for start in (starts()[told.start], None))
            saved.append((with_start + 8) / without)
    assert np.mean(saved) < 0.9
    assert len(starts()) == NUM_STARTS


def test_header_comes_back():
    copy = StreamPacket(2, "natural", 160, 256, 3, b"\x01\x02")
    for packet in (copy, dataclasses.replace(copy, copy=copy, payload=b""), dataclasses.replace(copy, frames=3, mode="fidelity", cut=320)):
        assert StreamPacket.from_bytes(packet.to_bytes()) == packet


@pytest.mark.parametrize(
    "data, why",
    [
        (b"", "bytes"),
        (bytes(MAX_BYTES + 1), "bytes"),
        (bytes([0, 20, 0]), "no encoder"),
        (bytes([1 | 21 << 3, 20, 0]), "no encoder"),
        (bytes([1, 89, 0]), "no encoder"),
        (bytes([1, 128 + 20, 0]), "cut off|0 bytes"),
        (bytes([1, 128 + 20, 0, 9, 1, 20]), "cut off"),
        (bytes([1, 128 + 20, 0, 4, 1, 128 + 20, 0, 0]), "no encoder"),
        (bytes([1, 20, 0]), "1 frames where 2"),
    ],
)
def test_packets_that_no_encoder_writes_are_refused_in_one_line(codec, data, why):
    with pytest.raises(BitstreamError, match=why) as caught:
        Decoder(codec).push(data)
    assert "\n" not in str(caught.value)


def test_damaged_packets_are_refused_or_heard_and_the_call_goes_on(codec, speech):
    packets, decoder = packets_of(codec, speech, kbps=10, copies=True), Decoder(codec)
    for packet in packets * 2:
        damaged = bytearray(packet)
        for _ in range(random.choice([1, 2, 8])):
            damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
        damaged = bytes(damaged)[: random.randrange(1, len(damaged) + 1)]
        recovered = decoder.recover(damaged)
        assert recovered is None or np.isfinite(recovered).all()
        try:
            wave = decoder.push(damaged)
        except BitstreamError:
            wave = decoder.lose()
        assert wave.shape == (1, 2 * HOP)
        assert np.isfinite(wave).all()


def test_what_cannot_be_encoded_is_refused(codec):
    with pytest.raises(TelucodecError, match="ask for 4 to 64"):
        Encoder(codec, kbps=3, packet_frames=1)
    for frames in (0, 4, 1.5, "2"):
        for end in (Encoder, Decoder):
            with pytest.raises(ValueError, match="1 to 3 frames"):
                end(codec, packet_frames=frames)
    with pytest.raises(ValueError, match="mode is one of fidelity, natural"):
        Encoder(codec, mode="codes")
    with pytest.raises(ValueError, match="finite"):
        Encoder(codec).push(np.array([[np.nan]], np.float32))
    with pytest.raises(TelucodecError, match="scale it down"):
        Encoder(codec).push(np.array([[100.0]], np.float32))


def test_packets_are_taken_from_where_they_lie(codec, speech):
    for data in packets_of(codec, speech[:, :3200], copies=True):
        for kept in (bytearray(data), memoryview(data)):
            np.testing.assert_array_equal(Decoder(codec).push(kept), Decoder(codec).push(data))


@pytest.mark.parametrize("frames", [1, 3])
def test_with_the_synthesis_live_sound_is_repaired_and_a_frame_later(codec, speech, frames):
    packets = packets_of(codec, speech, kbps=12, packet_frames=frames)
    plain, repaired = Decoder(codec, frames), Decoder(codec, frames, synthesis=True)
    before = np.concatenate([plain.push(packet) for packet in packets], axis=-1)
    after = np.concatenate([repaired.push(packet) for packet in packets], axis=-1)
    assert (plain.added_latency_ms, repaired.added_latency_ms) == (0, 20)
    assert after.shape == before.shape
    late = after[:, HOP:]
    assert snr_db(before[:, : late.shape[-1]], late) > 5  # the same sound, but for what is repaired
    assert np.abs(before[:, : late.shape[-1]] - late).max() > 1e-3


def test_fidelity_mode_passes_the_synthesis_by(codec, speech):
    packets = packets_of(codec, speech, kbps=12, mode="fidelity")
    plain, repaired = Decoder(codec), Decoder(codec, synthesis=True)
    before = np.concatenate([plain.push(packet) for packet in packets], axis=-1)
    after = np.concatenate([repaired.push(packet) for packet in packets], axis=-1)
    np.testing.assert_allclose(after[:, HOP:], before[:, :-HOP], atol=1e-6)


def test_lost_packets_are_made_up_with_the_synthesis_too(codec, speech):
    packets = packets_of(codec, speech, kbps=12)
    decoder = Decoder(codec, synthesis=True)
    pieces = [decoder.lose() if number % 5 == 4 else decoder.push(packet) for number, packet in enumerate(packets)]
    sound = np.concatenate(pieces, axis=-1)
    assert sound.shape[-1] == 2 * HOP * len(packets)
    assert np.isfinite(sound).all() and np.abs(sound).max() < 2 * np.abs(speech).max()


def test_a_model_without_a_synthesis_says_so(codec):
    with pytest.raises(ModelError, match="no learned synthesis"):
        Decoder(TransformCodec(codec.model), synthesis=True)
