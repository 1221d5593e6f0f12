"""Opus whose decoder enhances speech by a network, NoLACE (Buthe et al., arXiv:2309.14521), in libopus since 1.5.

Bits are Opus's own, so only what the listener's side does differs. Builds of libopus seldom hold the networks; this one is
@wasm-audio-decoders/opus-ml (MIT), run by node. It enhances SILK's wideband, which PyAV's Opus chooses from about 9 kbps on: below
that there would be nothing to compare. Its CPU seconds include node's start, about half a second a clip.
"""

import shutil
import struct
import subprocess
from functools import cache, partial

import numpy as np

from telucodec.errors import TelucodecError
from telucodec.evaluation.baselines.library import in_pyav
from telucodec.evaluation.baselines.opus import OpusClip, at_16_khz, encode_opus, payload_bytes
from telucodec.evaluation.baselines.peer import Peer
from telucodec.evaluation.contender import Contender

PACKAGE = "@wasm-audio-decoders/opus-ml"
INSTALL = f"npm install {PACKAGE}@0.0.3"

EARLY_SAMPLES = 2
"""48 kHz samples by which the output leads the input once the stated pre-skip is removed, by mean SNR at 9, 12 and 24 kbps alike."""

LONGEST_RUN_S = 600

DECODE = f"""
const packets = [], data = require("fs").readFileSync(0);
for (let at = 0; at < data.length; ) {{
  const size = data.readUInt32LE(at);
  packets.push(new Uint8Array(data.subarray(at + 4, at + 4 + size)));
  at += 4 + size;
}}
import(require("url").pathToFileURL(require.resolve("{PACKAGE}"))).then(async ({{ OpusMLDecoder }}) => {{
  const decoder = new OpusMLDecoder({{ speechQualityEnhancement: "nolace", channels: 1, streamCount: 1, coupledStreamCount: 0, channelMappingTable: [0] }});
  await decoder.ready;
  const {{ channelData, errors }} = decoder.decodeFrames(packets);
  if (errors.length) throw new Error(errors[0].message);
  process.stdout.write(Buffer.from(channelData[0].buffer, channelData[0].byteOffset, channelData[0].byteLength));
}}).catch((error) => {{ console.error(error.message); process.exitCode = 1; }});
"""
"""Packets with their lengths (little-endian, 4 bytes) in, float32 at 48 kHz out."""


@cache
def node() -> str:
    """The path of node, which finds the decoder. Raises TelucodecError where one of them is missing."""
    path = shutil.which("node")
    if path is None:
        raise TelucodecError(f"node is not installed: apt-get install nodejs npm, then {INSTALL}")
    if subprocess.run([path, "-e", f'require.resolve("{PACKAGE}")'], capture_output=True, timeout=LONGEST_RUN_S).returncode:
        raise TelucodecError(f"node does not find {PACKAGE}: {INSTALL} in this folder, or set NODE_PATH to its node_modules")
    return path


def decode_enhanced(clip: OpusClip) -> np.ndarray:
    """Decode to float32 [1, T] at 16 kHz, as long as the input and aligned with it."""
    packed = b"".join(struct.pack("<I", len(packet)) + packet for packet in clip.packets)
    done = subprocess.run([node(), "-e", DECODE], input=packed, capture_output=True, timeout=LONGEST_RUN_S)
    if done.returncode:
        raise TelucodecError(f"{PACKAGE} does not decode: {done.stderr.decode(errors='replace').strip()[-200:]}")
    (pre_skip,) = struct.unpack_from("<H", clip.header, 10)  # OpusHead (RFC 7845, section 5.1)
    return at_16_khz(np.frombuffer(done.stdout, np.float32)[pre_skip:], EARLY_SAMPLES, clip.num_samples)


def _versions() -> str:
    done = subprocess.run([node(), "--version"], capture_output=True, text=True, timeout=LONGEST_RUN_S)
    return f"{in_pyav('opus', 'opus_get_version_string')}; {PACKAGE} in node {done.stdout.strip()}"


def opus_nolace(kbps: float) -> Contender:
    """Opus in voice mode with `kbps` as its target, enhanced where it is decoded."""
    return Contender(
        name=f"opus-nolace_{kbps:g}",
        label=f"Opus {kbps:g} kbps, NoLACE",
        family="Opus, NoLACE",
        encode=partial(encode_opus, kbps=kbps),
        decode=decode_enhanced,
        num_bytes=payload_bytes,
        library=_versions,
        note="packets alone are counted; the stated pre-skip and 2 samples at 48 kHz of delay taken out; CPU seconds include the start of node, memory does not",
    )


PEER = Peer("opus-nolace", "Opus, NoLACE", (9.0, 12.0, 16.0, 24.0), opus_nolace, node)
