"""A small Common Voice release in the layout of the real ones: real Telugu clips as MP3, tables with the real columns."""

import io
import tarfile
from pathlib import Path

import av
import numpy as np
import soundfile

SPEECH = Path(__file__).parents[1] / "examples" / "speech"
COLUMNS = ["client_id", "path", "sentence_id", "sentence", "sentence_domain", "up_votes", "down_votes"]
COLUMNS += ["age", "gender", "accents", "variant", "locale", "segment"]
PARTS = {"validated": range(6), "train": range(3), "dev": range(3, 4), "test": range(4, 6), "other": range(6, 8)}
"""Clips of each part, by number."""
SENTENCES = ['నమస్కారం "అందరికీ"', "మంచి రోజు", "క్\u200cషమించండి", "ఇది ఒక పరీక్ష", "తెలుగు భాష", "మంచి రోజు", "ఏడవ వాక్యం", "ఎనిమిదవది"]


def clip(number: int) -> str:
    return f"common_voice_te_{30_000_000 + number}.mp3"


def mp3(wave: np.ndarray, sample_rate: int = 32_000) -> bytes:
    """Return wave [T] as an MP3 file."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=sample_rate, layout="mono")
        frame = av.AudioFrame.from_ndarray((wave[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.sample_rate = sample_rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


def make_folder(root: Path, rows_after: str = "") -> Path:
    """Write a release below `root`, `rows_after` at the end of validated.tsv, and return its folder."""
    folder = root / "cv-corpus-24.0-2025-12-05"
    home = folder / "te"
    (home / "clips").mkdir(parents=True)
    sources = sorted((SPEECH / "test" / "cv-telugu").glob("*.flac"), key=lambda path: path.stat().st_size)
    for number in range(8):
        wave, sample_rate = soundfile.read(sources[number % len(sources)], dtype="float32")
        (home / "clips" / clip(number)).write_bytes(mp3(np.repeat(wave[: 2 * sample_rate], 32_000 // sample_rate)))
    for part, numbers in PARTS.items():
        rows = [COLUMNS, *(row_of(number) for number in numbers)]
        text = "".join("\t".join(row) + "\n" for row in rows) + (rows_after if part == "validated" else "")
        (home / f"{part}.tsv").write_bytes(text.encode("utf-8", "surrogateescape"))
    return folder


def row_of(number: int) -> list[str]:
    speaker = f"{number // 2:x}" * 128
    return [speaker, clip(number), f"{number:064x}", SENTENCES[number], "", "2", "0", "twenties", "female_feminine", "", "", "te", ""]


def make_archive(folder: Path, target: Path, tables_first: bool = True, more: tuple[tarfile.TarInfo, ...] = ()) -> Path:
    """Pack the release `folder` into `target`, `more` members, all with the content of the first clip, between tables and clips."""
    tables = sorted(folder.rglob("*.tsv"))
    clips = sorted(folder.rglob("*.mp3"))
    with tarfile.open(target, "w:gz") as archive:
        for paths in (tables, clips) if tables_first else (clips, tables):
            for path in paths:
                archive.add(path, path.relative_to(folder.parent).as_posix())
            if paths is tables:
                for member in more:
                    content = b"" if not member.isreg() else clips[0].read_bytes()
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return target
