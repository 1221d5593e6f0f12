"""telucodec info: what a .tlc file holds, and whether it is whole."""

import json
from pathlib import Path
from typing import Annotated

import typer

from telucodec.bitstream.container import CODES, HEADER_BYTES, index_bytes, open_tlc, read_packets
from telucodec.errors import BitstreamError
from telucodec.runtime.codec import load_codec
from telucodec.runtime.envelope import POWER_UNITS
from telucodec.runtime.packets import read_header

LABELS = {
    "path": "file",
    "bytes": "bytes",
    "duration_s": "length, s",
    "samples": "samples",
    "sample_rate": "sampling rate, Hz",
    "kbps": "bitrate, kbps",
    "mode": "mode",
    "envelope_power": "envelope power",
    "model": "model",
    "packets": "packets",
    "packets_before_damage": "whole packets",
    "packet_s": "length of a packet, s",
}
"""What is told for scripts, in words for people."""


def info(
    source: Annotated[Path, typer.Argument(help="A .tlc file.")],
    model: Annotated[Path | None, typer.Option(help="Folder of the model it was encoded with; needed for codes of codebooks.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what SOURCE (.tlc) holds; exit code 2 if any of it is damaged.

    Example: telucodec info talk.tlc
    """
    with open_tlc(source) as data:
        header, num_bytes = read_header(data), len(data)
        if header.power == CODES and model is None:
            raise BitstreamError(f"holds codes of model {header.identity.hex()}; pass --model with the folder it was encoded with")
        codec = load_codec(model)
        expected = header.num_packets(codec.hop, codec.delay)
        lengths, damage = [], ""
        try:
            for packet in read_packets(data, expected):
                lengths.append(len(packet.to_bytes()))
            if data[HEADER_BYTES + sum(lengths) :] != index_bytes(lengths):
                damage = "all packets are whole, but the index at the end is damaged, or something follows it; it decodes all the same"
        except BitstreamError as error:
            damage = str(error)
    duration_s = header.num_samples / header.sample_rate
    facts = {
        "path": str(source),
        "bytes": num_bytes,
        "duration_s": duration_s,
        "samples": header.num_samples,
        "sample_rate": header.sample_rate,
        "kbps": 8 * num_bytes / duration_s / 1000 if duration_s and len(lengths) == expected else None,  # of a whole file
        "mode": "codes" if header.power == CODES else "natural" if header.power else "fidelity",
        "envelope_power": header.power / POWER_UNITS if header.power < CODES else None,
        "model": header.identity.hex(),
        "packets": expected,
        "packets_before_damage": len(lengths),
        "packet_s": header.packet_frames * codec.hop / header.sample_rate,
    }
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        if header.power == CODES:
            del facts["envelope_power"]  # codes have none
        told = {LABELS[name]: value for name, value in facts.items()} | ({"damage": damage} if damage else {})
        width = max(map(len, told))
        for label, value in told.items():
            words = "not measured" if value is None else f"{value:g}" if isinstance(value, float) else value
            typer.echo(f"{label:<{width}}  {words}")
    if damage:
        raise BitstreamError(f"{source}: {damage}")
