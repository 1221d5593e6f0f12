"""Peak memory of encoding and decoding two minutes and two hours: python benchmarks/memory.py. Takes about six minutes."""

import os
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.audio.sound_file import write_audio

SPEECH = Path(__file__).resolve().parent.parent / "examples" / "speech"
MEASURED = """
import resource, sys
from telucodec.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak_mib(*arguments: str | Path) -> float:
    """Peak resident memory in MiB of a telucodec process."""
    command = [sys.executable, "-c", MEASURED, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return float(done.stdout.split()[-1])


def main() -> None:
    clips = [read_media(path) for path in sorted(SPEECH.rglob("*.flac"))]
    clip_s = sum(clip.shape[-1] for clip in clips) / SAMPLE_RATE
    print(f"{'sound':>8} {'step':32} peak MiB")
    with tempfile.TemporaryDirectory() as folder:
        for title, minutes in (("2 min", 2), ("2 h", 120)):
            source, coded, back = (Path(folder) / f"{minutes}{suffix}" for suffix in (".flac", ".tlc", ".wav"))
            count = round(minutes * 60 / clip_s * len(clips))
            write_audio(source, islice(cycle(clips), count), SAMPLE_RATE)
            for mode in ("natural", "fidelity"):
                for option in (["--kbps", "6"], ["--quality", "36"]):
                    step = f"encode {mode} {' '.join(option)}"
                    print(f"{title:>8} {step:32} {peak_mib('encode', source, coded, '--mode', mode, *option):8.0f}", flush=True)
                print(f"{title:>8} {'decode ' + mode:32} {peak_mib('decode', coded, back):8.0f}", flush=True)


if __name__ == "__main__":
    main()
