"""Bundles of codecs of discrete codes: what PyTorch computes, exact lengths, parts, damage, and codes coded in context."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch
from small_codecs import BODIES, QUANTIZERS, codes_model_of, made, small_codec
from test_corruption import CORRUPTIONS, pieces, survives
from typer.testing import CliRunner

from telucodec.audio.sound_file import write_audio
from telucodec.bitstream.container import HEADER_BYTES, Header
from telucodec.cli.main import app
from telucodec.errors import BitstreamError, ModelError, TelucodecError
from telucodec.models.store import load_codec_module
from telucodec.runtime.bundle import CODES, DECODER, ENCODER, FILE_NAME, load_bundle
from telucodec.runtime.codec import load_codec
from telucodec.runtime.vq import CodesCodec

IN_CONTEXT = "rvq-ema, codes in context"
KINDS = {
    IN_CONTEXT: ("spectral", "rvq-ema", True),
    "rvq-factorised, looking ahead": ("looking ahead", "rvq-factorised", False),
    "fsq, time domain": ("time-domain", "fsq", False),
}
SEEN = {part for kind in KINDS.values() for part in kind}
KINDS |= {body: (body, "rvq-ema", False) for body in BODIES if body not in SEEN}
KINDS |= {quantizer: ("spectral", quantizer, False) for quantizer in QUANTIZERS if quantizer not in SEEN}
FRAMES = 25
"""Frames of a packet in tests of many packets."""


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory, telugu):
    """Makes the folder of a kind when it is first asked for: its bundle, and the trained codec that was made of."""

    @cache
    def folder_of(kind):
        body, quantizer, in_context = KINDS[kind]
        folder = tmp_path_factory.mktemp("kind")
        codec = small_codec(body, quantizer, telugu[:, :64_000])
        made(folder, codec, telugu[:, :32_000], codes_model=codes_model_of(codec, telugu[:, :64_000]) if in_context else None)
        return folder

    return folder_of


@pytest.fixture(scope="module", params=KINDS)
def folder(request, folder_of):
    return folder_of(request.param)


@pytest.fixture(scope="module")
def vq(folder):
    return load_codec(folder / "bundle")


@pytest.fixture(scope="module")
def in_context(folder_of):
    return load_codec(folder_of(IN_CONTEXT) / "bundle")


@pytest.fixture
def short_packets(monkeypatch):
    monkeypatch.setattr("telucodec.runtime.vq.PACKET_FRAMES", FRAMES)


def cut(wave, size):
    return [wave[:, place : place + size] for place in range(0, wave.shape[1], size)]


def test_codes_and_samples_are_those_of_pytorch(folder, vq, telugu):
    codec, sound = load_codec_module(folder / "model"), telugu[:, :40_000]
    with torch.no_grad():
        codes = codec.encode(torch.from_numpy(sound)[None])
        expected = codec.decode(codes, sound.shape[1])[0].numpy()
    assert (vq.codes(sound) == codes[0].numpy()).mean() > 0.99
    np.testing.assert_allclose(vq.wave(codes[0].numpy(), sound.shape[1]), expected, atol=1e-5)


def test_a_file_decodes_to_the_sound_of_its_codes(vq, telugu):
    for count in (1, 2, 3):
        codes = vq.codes(telugu[:, :50_000])
        codes[count:] = vq.bundle.info.codebook_size
        data = vq.encode(telugu[:, :50_000], kbps=vq.bundle.info.kbps_of(count))
        np.testing.assert_array_equal(vq.decode(data), vq.wave(codes, 50_000))


@pytest.mark.usefixtures("short_packets")
def test_every_length_comes_back_exactly(vq, telugu):
    hop = vq.hop
    for length in (0, 1, hop - 1, hop, hop + 1, FRAMES * hop - 1, FRAMES * hop, 7 * FRAMES * hop + 5):
        data = vq.encode(telugu[:, :length])
        assert vq.decode(data).shape == (1, length)
        assert sum(window.shape[1] for window in vq.decode_from(data, [])) == length
        assert Header.from_bytes(data).num_samples == length


def test_windows_of_any_size_give_the_file_of_the_whole(vq, telugu):
    sound = telugu[:, :40_001]
    for size in (700, 16_000, 33_333):
        data = bytearray()
        with open(os.devnull, "rb"):
            import io

            sink = io.BytesIO()
            vq.encode_to(sink, cut(sound, size))
            data = sink.getvalue()
        assert data == vq.encode(sound)


@pytest.mark.usefixtures("short_packets")
def test_a_part_is_the_slice_of_the_whole(vq, telugu):
    sound = telugu[:, 8_000:72_000]
    data = vq.encode(sound)
    whole = vq.decode(data)
    for start_s, duration_s in ((0.0, 0.5), (1.0, 1.0), (2.34567, 0.1), (3.9, 5.0), (0.0, 0.0), (3.0, None)):
        part = np.concatenate([np.empty((1, 0)), *vq.decode_from(data, None, start_s, duration_s)], axis=1)
        start = round(16_000 * start_s)
        end = None if duration_s is None else start + round(16_000 * duration_s)
        assert part.shape == whole[:, start:end].shape
        np.testing.assert_allclose(part, whole[:, start:end], atol=1e-6)


def test_fewer_kbps_send_fewer_codebooks_and_none_below_one(vq, telugu):
    sizes = [len(vq.encode(telugu[:, :48_000], kbps=vq.bundle.info.kbps_of(count))) for count in (1, 2, 3)]
    assert sorted(sizes) == sizes and len(set(sizes)) == 3
    assert len(vq.encode(telugu[:, :48_000], kbps=0.001)) == sizes[0]
    assert len(vq.encode(telugu[:, :48_000])) == len(vq.encode(telugu[:, :48_000], kbps=1000)) == sizes[2]


def test_what_such_a_codec_cannot_do_is_told(vq):
    with pytest.raises(TelucodecError, match="no --quality"):
        vq.encode(np.zeros((1, 100), np.float32), quality=30)
    with pytest.raises(ValueError, match="not finite"):
        vq.encode(np.full((1, 100), np.nan, np.float32))
    for kbps in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="positive and finite"):
            vq.encode(np.zeros((1, 100), np.float32), kbps)
    with pytest.raises(ValueError, match="mode is one of codes"):
        vq.encode(np.zeros((1, 100), np.float32), mode="fidelity")


def test_what_encode_says_of_the_mode_is_what_the_file_has(folder, telugu, tmp_path):
    write_audio(tmp_path / "said.wav", telugu[:, :16_000], 16_000)

    def told(verb, *arguments):
        done = CliRunner().invoke(app, [verb, *map(str, arguments), "--model", str(folder / "bundle"), "--json"])
        return json.loads(done.stdout)["mode"] if done.exit_code == 0 else done.exception

    assert told("encode", tmp_path / "said.wav", tmp_path / "a.tlc") == told("info", tmp_path / "a.tlc") == "codes"
    error = told("encode", tmp_path / "said.wav", tmp_path / "b.tlc", "--mode", "fidelity")
    assert isinstance(error, TelucodecError) and "leave --mode out" in str(error)


@pytest.mark.usefixtures("short_packets")
@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
def test_damage_is_an_error_or_is_concealed_and_listed(in_context, telugu, corrupt):
    survives(in_context, in_context.encode(telugu[:, 16_000:][:, : 5 * FRAMES * 320 - 4000]), corrupt)


@pytest.mark.usefixtures("short_packets")
def test_a_lost_packet_fades_and_costs_little_beyond_itself(vq, telugu):
    data = vq.encode(telugu[:, 16_000:][:, : 8 * FRAMES * vq.hop])
    header = Header.from_bytes(data)
    count = header.num_packets(vq.hop, vq.delay)
    place, packets = HEADER_BYTES, []
    from telucodec.bitstream.container import read_packet

    for _ in range(count):
        _, after = read_packet(data, place)
        packets.append(data[place:after])
        place = after
    concealed: list[str] = []
    lost = data[:HEADER_BYTES] + b"".join(packets[:2] + packets[3:]) + data[place:]
    decoded, whole = np.concatenate(list(vq.decode_from(lost, concealed)), axis=1), vq.decode(data)
    assert concealed == ["packet 2: missing or damaged"]
    assert decoded.shape == whole.shape
    frame = 2 * FRAMES
    np.testing.assert_array_equal(decoded[:, : (frame - vq.delay) * vq.hop], whole[:, : (frame - vq.delay) * vq.hop])
    after = (frame + FRAMES + vq.bundle.info.memory) * vq.hop
    np.testing.assert_allclose(decoded[:, after:], whole[:, after:], atol=1e-6)
    assert np.abs(decoded[:, (frame + 20) * vq.hop : (frame + FRAMES) * vq.hop]).max() < 0.01 * max(1, np.abs(whole).max())


def test_a_file_of_another_bundle_is_refused(folder_of, telugu):
    first, second = (load_codec(folder_of(kind) / "bundle") for kind in list(KINDS)[:2])
    assert first.identity != second.identity
    with pytest.raises(BitstreamError, match="written by model"):
        first.decode(second.encode(telugu[:, :16_000]))


def test_a_file_of_the_transform_codec_with_this_identity_is_refused(vq, codec, telugu):
    data = codec.encode(telugu[:, :16_000])
    header = dataclasses.replace(Header.from_bytes(data), identity=vq.bundle.identity)
    with pytest.raises(BitstreamError, match="no encoder writes"):
        vq.decode(header.to_bytes() + data[HEADER_BYTES:])


def test_pieces_of_the_shared_corruptions_are_those_of_this_file(in_context, telugu):
    """They count packets as for 320 samples a frame and a delay of one."""
    header, packets, index = pieces(in_context.encode(telugu))
    assert len(packets) == Header.from_bytes(header).num_packets(in_context.hop, in_context.delay) == 3
    assert len(index) > 8


# The bundle's own files.


@pytest.fixture
def spoiled(folder_of, tmp_path):
    shutil.copytree(folder_of(IN_CONTEXT) / "bundle", tmp_path / "bundle")
    return tmp_path / "bundle"


def with_info(**changes):
    def spoil(folder):
        told = json.loads((folder / FILE_NAME).read_text())
        (folder / FILE_NAME).write_text(json.dumps({**told, **changes}))

    return spoil


def with_content(name, content):
    return lambda folder: (folder / name).write_bytes(content(folder))


HOSTILE = {
    "no JSON": with_content(FILE_NAME, lambda folder: b"\xff{"),
    "a list": with_content(FILE_NAME, lambda folder: b"[1]"),
    "deep": with_content(FILE_NAME, lambda folder: b"[" * 100_000),
    "another format": with_info(format="telucodec vq bundle 9", new=1),
    "more than a bundle": with_info(more=1),
    "a huge hop": with_info(hop=10**12),
    "no codebooks": with_info(num_codebooks=0),
    "rates of other codebooks": with_info(kbps=[1.0]),
    "a rate that is no number": with_info(kbps=[1.0, 2.0, float("nan")]),
    "another codebook size": with_info(codebook_size=64),
    "another hop": with_info(hop=160),
    "no graph": with_content(ENCODER, lambda folder: b"nonsense"),
    "half a graph": with_content(DECODER, lambda folder: (folder / DECODER).read_bytes()[:5000]),
    "graphs exchanged": with_content(DECODER, lambda folder: (folder / ENCODER).read_bytes()),
    "no model of codes": with_content(CODES, lambda folder: b"nonsense"),
    "half a model of codes": with_content(CODES, lambda folder: (folder / CODES).read_bytes()[:-9]),
    "no decoder": lambda folder: (folder / DECODER).unlink(),
}


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE)
def test_a_bundle_that_is_none_is_told_in_one_line(spoiled, telugu, spoil):
    spoil(spoiled)
    with pytest.raises(ModelError) as told:
        spoilt = load_codec(spoiled)
        spoilt.decode(spoilt.encode(telugu[:, :16_000]))
    assert "\n" not in str(told.value)
    assert str(spoiled) in str(told.value)


def test_every_file_of_a_bundle_decides_its_identity(spoiled):
    whole = load_bundle(spoiled)
    digests = {whole.digest}
    for part in ("encoder", "decoder", "codes"):
        digests.add(dataclasses.replace(whole, **{part: getattr(whole, part) + b"x"}).digest)
    digests.add(dataclasses.replace(whole, encoder=whole.encoder + whole.decoder, decoder=b"").digest)
    digests.add(dataclasses.replace(whole, info=whole.info.model_copy(update={"hop": 321})).digest)
    assert len(digests) == 6


def test_decoding_a_bundle_loads_no_torch(in_context, telugu, tmp_path):
    (tmp_path / "a.tlc").write_bytes(in_context.encode(telugu[:, :32_000]))
    code = """
import sys
from telucodec.runtime.codec import load_codec
codec = load_codec(sys.argv[1])
assert codec.decode(open(sys.argv[2], "rb").read()).shape == (1, 32000)
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code, in_context.bundle.folder, tmp_path / "a.tlc"]).returncode == 0


# Codes in context: the same bytes whoever multiplies.


def with_torch(left, right):
    return (torch.from_numpy(np.ascontiguousarray(left)) @ torch.from_numpy(np.ascontiguousarray(right))).numpy()


def with_doubles_backwards(left, right):
    return (left.astype(np.float64)[..., ::-1] @ right.astype(np.float64)[::-1]).astype(np.float32)


@pytest.mark.parametrize("product", [with_torch, with_doubles_backwards])
def test_whoever_multiplies_writes_and_reads_the_same_bytes(in_context, telugu, product):
    other, data = CodesCodec(in_context.bundle, product), in_context.encode(telugu)
    assert other.encode(telugu) == data
    np.testing.assert_array_equal(other.decode(data), in_context.decode(data))


def test_processes_with_one_and_two_threads_write_the_same_payloads(in_context, telugu, tmp_path):
    np.save(tmp_path / "codes.npy", in_context.codes(telugu).T)
    code = """
import sys, numpy as np
from telucodec.runtime.codec import load_codec
coder = load_codec(sys.argv[1])._coder
codes = np.load(sys.argv[2] + "/codes.npy")
payload = open(sys.argv[2] + "/payload", "rb").read()
assert coder.encode(codes) == payload
assert (coder.decode([payload], [len(codes)], codes.shape[1])[0] == codes).all()
"""
    (tmp_path / "payload").write_bytes(in_context._coder.encode(np.load(tmp_path / "codes.npy")))
    for settings in ({"OPENBLAS_NUM_THREADS": "1"}, {"OPENBLAS_NUM_THREADS": "2"}, {"OPENBLAS_CORETYPE": "Nehalem"}):
        subprocess.run([sys.executable, "-c", code, in_context.bundle.folder, tmp_path], env=os.environ | settings, check=True)


def test_a_model_of_codes_makes_files_shorter_and_the_kbps_it_tells_are_those_it_takes(folder_of, in_context, telugu):
    folder = folder_of(IN_CONTEXT)
    info = in_context.bundle.info
    plain = CodesCodec(dataclasses.replace(in_context.bundle, codes=b""))
    sound = telugu[:, :32_000]  # what `optimize` measured with
    for count in (1, 2, 3):
        data, even = (codec.encode(sound, kbps=info.kbps_of(count)) for codec in (in_context, plain))
        assert (folder / "bundle" / CODES).exists()
        frames = Header.from_bytes(data).num_frames(320, 1)
        payload_kbps = 8 * (len(data) - HEADER_BYTES - 9) * 50 / frames / 1000
        assert payload_kbps == pytest.approx(info.kbps_of(count), rel=0.01)
        assert len(data) < 0.97 * len(even) if count == 3 else len(data) <= len(even)
