"""How much longer real files are than the ideal code lengths of their symbols: python benchmarks/overhead.py SPEECH_COLLECTION"""

import argparse
from pathlib import Path

import speech

from telucodec.bitstream.container import read_packets
from telucodec.runtime.codec import load_codec
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.model import HOP, SAMPLE_RATE
from telucodec.runtime.packets import read_header


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    parser.add_argument("--kbps", type=float, default=6.3)
    options = parser.parse_args()
    codec = load_codec()
    coder = EntropyCoder(codec.model)
    found = speech.paths(options.collection)
    print("speech       mode      seconds  file kbps  ideal kbps  overhead %")
    for name in ("telugu", "ljspeech", "kerstin"):
        for mode in ("natural", "fidelity"):
            file_bits = ideal_bits = seconds = 0.0
            for wave in speech.waves(found[name][:16]):
                data = codec.encode(wave, kbps=options.kbps, mode=mode)
                header = read_header(data)
                packets = list(read_packets(data, header.num_packets(HOP)))
                first = range(0, header.num_frames(HOP), header.packet_frames)
                counts = [min(header.packet_frames, header.num_frames(HOP) - start) for start in first]
                cuts = [4 * packet.cut for packet in packets]
                frames = coder.decode([packet.payload for packet in packets], counts, cuts, header.power)
                ideal_bits += sum(coder.ideal_bits(part, cut, header.power) for part, cut in zip(frames, cuts, strict=True))
                file_bits += 8 * len(data)
                seconds += wave.shape[-1] / SAMPLE_RATE
            rates = [bits / seconds / 1000 for bits in (file_bits, ideal_bits)]
            print(
                f"{name:12} {mode:9} {seconds:7.1f} {rates[0]:10.3f} {rates[1]:11.3f} {100 * (file_bits / ideal_bits - 1):11.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
