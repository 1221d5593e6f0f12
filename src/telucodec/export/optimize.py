"""From a trained run to a bundle for production, with the proof that it still is the same codec and how much faster it became."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.resample import resampled, resampled_to
from telucodec.errors import ModelError
from telucodec.export.bundle_folder import bundle_folder
from telucodec.export.eight_bits import in_eight_bits
from telucodec.export.graphs import fold, graphs
from telucodec.files import write_whole
from telucodec.metrics.pair import measure_pair
from telucodec.metrics.validation import Validation
from telucodec.models.one_thread import on_one_thread
from telucodec.models.store import load_codec_module
from telucodec.models.vq_codec import VQCodec
from telucodec.runtime.bundle import CODES, DECODER, ENCODER, FILE_NAME, BundleInfo, load_bundle
from telucodec.runtime.codes import CodesCoder, CodesModel
from telucodec.runtime.vq import PACKET_FRAMES, CodesCodec

LARGEST_DIFFERENCE = 1e-3
"""Of a sample, between PyTorch and onnxruntime decoding the same codes in float32: -60 dB; usual is 1e-6."""
FEWEST_SAME_CODES = 0.99
"""Share of equal codes; where two entries are nearly as near, rounding decides."""
MOST_LOST_DB = 0.5
"""SNR that 8 bits may cost."""


@dataclass(frozen=True)
class Check:
    """What the sounds that were tried say of a bundle."""

    same_codes: float
    """Share of codes that both encoders choose alike, 0 to 1."""
    largest_difference: float
    """Of a sample, both decoders given the same codes."""
    snr_before_db: float
    snr_after_db: float
    seconds_before: float
    """CPU seconds for a second of sound, encoding and decoding, one thread."""
    seconds_after: float
    bytes_before: int
    bytes_after: int
    kbps_even: float
    """Of all codes where each takes the logarithm of the codebook's size."""
    kbps_coded: float
    """With the model of codes; the same without."""


def optimize(model: Path, out: Path, sounds: Mapping[str, np.ndarray], int8: bool = False, codes_model: CodesModel | None = None) -> Check:
    """Write the trained codec of the folder `model` to `out` as a bundle and compare the two on `sounds` [1, T] at 16 kHz by name.

    A `codes_model` that does not make their codes shorter is left out. Raises ModelError where they differ by more than rounding, or 8 bits cost more than MOST_LOST_DB; nothing is written then.
    """
    codec = load_codec_module(model)
    before_bytes = sum(tensor.numel() * tensor.element_size() for tensor in codec.state_dict().values())
    folded = fold(load_codec_module(model))
    encoder, decoder = graphs(folded)
    if int8:
        encoder, decoder = in_eight_bits(encoder), in_eight_bits(decoder)
    files = {ENCODER: encoder, DECODER: decoder}
    info = BundleInfo(
        sample_rate=codec.config.sample_rate,
        hop=codec.hop,
        delay=codec.delay // codec.hop,
        memory=memory(folded),
        num_codebooks=codec.quantizer.num_codebooks,
        codebook_size=codec.quantizer.codebook_size,
    )
    with bundle_folder(out, FILE_NAME, CODES) as beside:
        _write(beside, files, info)
        if codes_model:
            even = info.kbps_of(info.num_codebooks)
            coded = info.model_copy(update={"kbps": _kbps(CodesCodec(load_bundle(beside)), codes_model, sounds)})
            if coded.kbps_of(info.num_codebooks) < even:
                info, files = coded, files | {CODES: codes_model.to_bytes()}
                _write(beside, files, info)
        found = _compare(codec, CodesCodec(load_bundle(beside)), sounds, before_bytes, sum(map(len, files.values())))
        _judge(found, int8)
    return found


def _write(folder: Path, files: Mapping[str, bytes], info: BundleInfo) -> None:
    for name, content in {**files, FILE_NAME: info.model_dump_json(indent=1).encode()}.items():
        write_whole(folder / name, content)


def _kbps(bundle: CodesCodec, codes_model: CodesModel, sounds: Mapping[str, np.ndarray]) -> tuple[float, ...]:
    """What the codes of the first 1, 2 ... codebooks of `sounds` take with that model."""
    coder = CodesCoder(codes_model)
    rate = bundle.bundle.info.sample_rate
    codes = [bundle.codes(resampled(sound, SAMPLE_RATE, rate)).T for sound in sounds.values()]  # [F, K]
    frames = sum(map(len, codes))

    def kbps(count: int) -> float:
        packets = (sound[place : place + PACKET_FRAMES, :count] for sound in codes for place in range(0, len(sound), PACKET_FRAMES))
        return 8 * sum(len(coder.encode(packet)) for packet in packets) * bundle.frame_rate / frames / 1000

    return tuple(round(kbps(count), 4) for count in range(1, bundle.bundle.info.num_codebooks + 1))


def memory(codec: VQCodec) -> int:
    """Frames back to which the decoder of `codec` remembers: found by changing one frame of codes and looking how long it is heard."""
    size = codec.quantizer.codebook_size
    frames = 64
    while True:
        codes = torch.randint(size, (1, codec.quantizer.num_codebooks, frames), generator=torch.Generator().manual_seed(0))
        other = codes.clone()
        other[..., 0] = (codes[..., 0] + size // 2) % size
        with torch.no_grad():
            change = (codec.decoder(codec.quantizer.decode(codes)) - codec.decoder(codec.quantizer.decode(other))).abs()
        places = change.flatten().nonzero()
        heard = int(places.max()) // codec.hop + 1 if len(places) else 0
        if heard < frames:
            return heard
        frames *= 2


@on_one_thread()
def _compare(codec: VQCodec, bundle: CodesCodec, sounds: Mapping[str, np.ndarray], bytes_before: int, bytes_after: int) -> Check:
    same, total, rate = 0, 0, codec.config.sample_rate
    difference, spent, pairs = 0.0, [0.0, 0.0], ([], [])
    for name, sound in sounds.items():
        wave = resampled(sound, SAMPLE_RATE, rate)
        began = time.process_time()
        with torch.no_grad():
            codes = codec.encode(torch.from_numpy(wave)[None])
            plain = codec.decode(codes, wave.shape[-1])[0].numpy()
        middle = time.process_time()
        data = bundle.encode(wave)
        decoded = bundle.decode(data)
        spent = [spent[0] + middle - began, spent[1] + time.process_time() - middle]
        own = bundle.codes(wave)
        same, total = same + int((own == codes[0].numpy()).sum()), total + own.size
        difference = max(difference, float(np.abs(bundle.wave(codes[0].numpy(), wave.shape[-1]) - plain).max()))
        for made, estimate in zip(pairs, (plain, decoded), strict=True):
            made.append(measure_pair(sound[0], resampled_to(estimate, rate, SAMPLE_RATE, sound.shape[-1])[0], name))
    heard_s = sum(sound.shape[-1] for sound in sounds.values()) / SAMPLE_RATE
    snrs = [Validation(made).snr_db.value for made in pairs]
    info = bundle.bundle.info
    kbps = info.model_copy(update={"kbps": ()}).kbps_of(info.num_codebooks), info.kbps_of(info.num_codebooks)
    return Check(same / total, difference, *snrs, *(seconds / heard_s for seconds in spent), bytes_before, bytes_after, *kbps)


def _judge(found: Check, int8: bool) -> None:
    if int8 and math.isnan(found.snr_before_db):
        raise ModelError("what 8 bits cost cannot be measured on sounds that are silent; give others to validate with, or leave --int8 out")
    if int8 and not found.snr_after_db > found.snr_before_db - MOST_LOST_DB:
        raise ModelError(
            f"8 bits cost {found.snr_before_db - found.snr_after_db:.2f} dB of SNR, more than {MOST_LOST_DB:g}; leave --int8 out"
        )
    if not int8 and not (found.same_codes >= FEWEST_SAME_CODES and found.largest_difference <= LARGEST_DIFFERENCE):
        raise ModelError(
            f"the bundle is not the trained codec: {100 * found.same_codes:.2f} % of its codes are the same, samples differ by up to {found.largest_difference:.2g}"
        )
