"""telucodec live: hear what a call sounds like, from the microphone to the speaker of this machine through UDP."""

import json
import math
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from telucodec.apps.live import Call, line, microphone, play
from telucodec.audio.media import SAMPLE_RATE, stated_duration, stream_media
from telucodec.audio.sound_file import write_audio
from telucodec.cli.encode import Mode
from telucodec.cli.ending import spare
from telucodec.cli.progress import progress_bar, watched
from telucodec.stream import Decoder, Encoder, load_live_codec


def live(
    source: Annotated[Path | None, typer.Argument(help="Any audio or video file in the microphone's place.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write in the speaker's place, .wav or .flac.")] = None,
    kbps: Annotated[
        float, typer.Option(help="Highest bitrate on average; a second's worth of bits may come on top. Speech with pauses takes less.")
    ] = 10.0,
    mode: Annotated[Mode, typer.Option(help="natural: pleasant to hear; fidelity: close to the waveform.")] = Mode.natural,
    packet_frames: Annotated[
        int, typer.Option(min=1, max=3, help="Frames of 20 ms in a packet: more take fewer bits and add latency.")
    ] = 2,
    copies: Annotated[bool, typer.Option("--copies", help="Send each packet once more, coarser, with the next one.")] = False,
    synthesis: Annotated[
        bool,
        typer.Option(
            "--synthesis",
            help="Let a learned synthesis repair what is heard in natural mode: fuller sound, 20 ms later.",
        ),
    ] = False,
    depth: Annotated[
        int,
        typer.Option(
            min=0, max=50, help="Length of the jitter buffer in packets: how late a packet may come and still be played; adds latency."
        ),
    ] = 2,
    loss: Annotated[float, typer.Option(min=0, max=90, help="Percent of packets that the line loses.")] = 0.0,
    burst: Annotated[float, typer.Option(min=1, max=50, help="How many packets the line loses in a row, on average.")] = 1.5,
    jitter: Annotated[
        int, typer.Option(min=0, max=50, help="Greatest delay of a packet, in packets (each as long as --packet-frames).")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed loses the same packets.")] = 0,
    model: Annotated[Path | None, typer.Option(help="Folder of a transform model; the shipped one if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what happened as JSON.")] = False,
) -> None:
    """Talk to yourself over a bad line: microphone, packets, UDP on 127.0.0.1, packets, speaker. Ctrl-C hangs up.

    Use headphones. A file may stand in for the microphone, and one for the speaker.

    Example: telucodec live --loss 10 --jitter 2 --copies
    """
    if source and out:
        spare([source], out)
    codec = load_live_codec(model)
    encoder, decoder = Encoder(codec, kbps, mode.value, packet_frames, copies), Decoder(codec, packet_frames, synthesis)
    call = Call(encoder, decoder, depth, line(loss / 100, burst, seed), jitter, seed)
    hung_up = threading.Event()
    if source is None:
        signal.signal(signal.SIGINT, lambda number, frame: hung_up.set())
    with progress_bar("live") as progress:
        said = stream_media(source, SAMPLE_RATE, window_s=0.1) if source else microphone(hung_up.is_set)
        heard = call.sound(watched(said, SAMPLE_RATE, stated_duration(source) if source else math.nan, progress))
        num_samples = write_audio(out, heard, SAMPLE_RATE) if out else play(heard)
    sent_s, buffer = call.sent * packet_frames / codec.frame_rate, call.buffer
    rate = 8 * call.payload_bytes / sent_s / 1000 if sent_s else math.nan
    if as_json:
        made = {
            "duration_s": num_samples / SAMPLE_RATE,
            "kbps": rate,
            "latency_ms": call.latency_ms,
            "packets": call.sent,
            "lost_by_the_line": call.dropped,
            "played": buffer.played,
            "recovered": buffer.recovered,
            "concealed": buffer.concealed,
            "skipped": buffer.skipped,
        }
        typer.echo(json.dumps(made))
    else:
        typer.echo(
            f"{out or 'speaker'}: {num_samples / SAMPLE_RATE:.2f} s, {rate:.2f} kbps, latency {call.latency_ms:.0f} ms; of {call.sent} packets "
            f"{buffer.played} played, {buffer.recovered} recovered from copies, {buffer.concealed} concealed"
            + (f", {buffer.skipped} skipped to be on time" if buffer.skipped else "")
        )
