"""Times the way from raw media to a dataset, each step a process of its own: python benchmarks/chain.py SPEECH_COLLECTION

Films of 20 minutes (H.264 picture, AAC sound at 48 kHz) and a Common Voice release (MP3 at 32 kHz) are made of the collection first,
outside the timing. Then: extract, segment, doctor, filter, manifest split, on the films and on the collection's own files; import of the
release; and for extraction a shell loop of `ffmpeg`, in turn with ours. Peak memory is the most that all processes of a step held at
one moment, pages shared between them counted once for each (Linux, looked at every 0.1 s). Wants ffmpeg on the PATH.
"""

import argparse
import csv
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

TELUCODEC = (sys.executable, "-c", "from telucodec.cli.main import main; main()")
FOUND = 1
"""Exit code of a doctor that found something."""
FILM_S = 1200
LOOK_S = 0.1
PAGE = os.sysconf("SC_PAGE_SIZE")
MP3_RATE = 32_000
COLUMNS = ["client_id", "path", "sentence_id", "sentence", "sentence_domain", "up_votes", "down_votes"]
COLUMNS += ["age", "gender", "accents", "variant", "locale", "segment"]
LOOP = 'ffmpeg -nostdin -v error -y -i "$0" -vn -ac 1 -ar 16000 -c:a flac "$1"'
"""What a shell script would do: sound only, mono, libswresample's resampler, FFmpeg's own FLAC encoder."""


@dataclass(frozen=True)
class Cost:
    seconds: float
    peak_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="folder with index.csv and FLAC files below it")
    parser.add_argument("--films", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=("films", "collection", "import"), nargs="+", default=["films", "collection", "import"])
    options = parser.parse_args()
    clips = sorted(options.collection.rglob("*.flac"))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if "films" in options.only:
            make_films(clips, home / "films", options.films)
        if "import" in options.only:
            release_s = make_release(options.collection, home / "cv-corpus" / "te")
        print(f"{'media':12} {'step':36} {'hours in':>8} {'seconds':>8} {'hours a minute':>14} {'peak MiB':>8}", flush=True)
        if "films" in options.only:
            against_ffmpeg("films", sorted((home / "films").iterdir()), home, (1, options.jobs))
            chain("films", home / "films", home / "films-made", options.jobs)
        if "collection" in options.only:
            chain("collection", options.collection, home / "collection-made", options.jobs)
            against_ffmpeg("collection", clips, home, (options.jobs,), options.collection)
        if "import" in options.only:
            cost = measured("import", "common-voice", home / "cv-corpus", "--out", home / "imported")
            say("release", "import common-voice", release_s, cost)


def chain(media: str, source: Path, out: Path, jobs: int) -> None:
    """Run the steps one after the other and print what each took."""
    share = ("--jobs", jobs)
    cost = measured("extract", source, "--out", out, *share)
    say(media, "extract", seconds_of(out / "manifest.csv"), cost)
    for step, reads, arguments in (
        ("segment", "manifest.csv", ("--out", out / "segments.csv", *share)),
        ("doctor", "segments.csv", share),
        ("filter", "segments.csv", ("--out", out / "good", *share)),
        ("manifest split", "good/kept.csv", ("--out", out / "manifests")),
    ):
        cost = measured(*step.split(), out / reads, *arguments)
        say(media, step, seconds_of(out / reads), cost)


def against_ffmpeg(media: str, sources: list[Path], home: Path, jobs: tuple[int, ...], folder: Path | None = None) -> None:
    """Extract `sources` by ffmpeg and by ours in turn, twice, and print the ratio of times."""
    sound_s = sum(seconds_in(path) for path in sources)
    for num_jobs in jobs:
        theirs, ours = [], []
        for again in range(2):
            out = home / f"{media}-loop-{num_jobs}-{again}"
            out.mkdir()
            pairs = b"".join(os.fsencode(path) + b"\0" + os.fsencode(out / f"{at}.flac") + b"\0" for at, path in enumerate(sources))
            theirs.append(run(["xargs", "-0", "-n", "2", "-P", str(num_jobs), "sh", "-c", LOOP], pairs))
            say(media, f"ffmpeg, {num_jobs} at a time", sound_s, theirs[-1])
            made = home / f"{media}-ours-{num_jobs}-{again}"
            ours.append(measured("extract", folder or sources[0].parent, "--out", made, "--jobs", num_jobs))
            say(media, f"extract, {num_jobs} at a time", sound_s, ours[-1])
        ratio = sum(cost.seconds for cost in ours) / sum(cost.seconds for cost in theirs)
        print(f"{media}: extract takes {ratio:.2f} times as long as ffmpeg, {num_jobs} at a time", flush=True)


def measured(*arguments: str | int | Path) -> Cost:
    return run([*TELUCODEC, *map(str, arguments)])


def run(command: list[str], fed: bytes = b"") -> Cost:
    """Run `command` and return what it took, with all processes it starts."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    peaks: list[int] = [0]
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            peaks.append(held_bytes(process.pid))

    looking = threading.Thread(target=look)
    looking.start()
    said, _ = process.communicate(fed)
    seconds = time.perf_counter() - begin
    over.set()
    looking.join()
    if process.returncode not in (0, FOUND if "doctor" in command else 0):
        sys.exit(f"{shlex.join(command)}: exit code {process.returncode}\n{said.decode(errors='replace')[-2000:]}")
    return Cost(seconds, max(peaks) / 2**20)


def held_bytes(session: int) -> int:
    """Return the resident memory of all processes of `session`."""
    total = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()  # from the third field on
            except OSError:  # ended meanwhile
                continue
            if int(fields[3]) == session:
                total += int(fields[21]) * PAGE
    return total


def say(media: str, step: str, sound_s: float, cost: Cost) -> None:
    speed = sound_s / 60 / cost.seconds
    print(f"{media:12} {step:36} {sound_s / 3600:8.2f} {cost.seconds:8.1f} {speed:14.1f} {cost.peak_mib:8.0f}", flush=True)


def seconds_of(manifest: Path) -> float:
    with open(manifest, encoding="utf-8", newline="") as file:
        return sum(float(row["duration_s"]) for row in csv.DictReader(file))


def seconds_in(path: Path) -> float:
    with av.open(str(path)) as container:
        return container.duration / av.time_base


def make_films(clips: list[Path], out: Path, count: int) -> None:
    """Write `count` films of FILM_S of the clips in an order of its own, 0.3 s of silence behind each."""
    out.mkdir()
    order = iter(np.random.default_rng(0).permutation(len(clips)))
    for number in range(count):
        parts, length = [], 0
        while length < FILM_S * 16_000:
            wave, _ = soundfile.read(clips[next(order)], dtype="int16")
            parts += [wave, np.zeros(4_800, np.int16)]
            length += len(wave) + 4_800
        raw = np.concatenate(parts)[: FILM_S * 16_000].tobytes()
        command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "pipe:0"]
        command += ["-f", "lavfi", "-i", f"testsrc=size=320x180:rate=10:duration={FILM_S}", "-c:v", "libx264", "-preset", "ultrafast"]
        command += ["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k", "-ar", "48000", str(out / f"film {number + 1}.mp4")]
        subprocess.run(command, input=raw, check=True)


def make_release(collection: Path, home: Path) -> float:
    """Write the clips with text as a Common Voice release below `home` and return their seconds."""
    (home / "clips").mkdir(parents=True)
    with open(collection / "index.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["text"]]
    table, total_s = [COLUMNS], 0.0
    for number, row in enumerate(rows):
        name = f"common_voice_te_{30_000_000 + number}.mp3"
        wave, rate = soundfile.read(collection / row["path"], dtype="float32")
        write_mp3(home / "clips" / name, np.repeat(wave, MP3_RATE // rate))
        text = " ".join(row["text"].split())
        table.append([row["speaker"], name, f"{number:064x}", text, "", "2", "0", "", "", "", "", "te", ""])
        total_s += len(wave) / rate
    (home / "validated.tsv").write_text("".join("\t".join(cells) + "\n" for cells in table), encoding="utf-8")
    return total_s


def write_mp3(path: Path, wave: np.ndarray) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=MP3_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray((wave[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.time_base = MP3_RATE, Fraction(1, MP3_RATE)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


if __name__ == "__main__":
    main()
