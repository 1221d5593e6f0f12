"""A session of prompted recording, whatever face it has: one sentence after the other, each take judged, then accepted, taken again or skipped.

Accepted takes become what `import` makes: audio/SPEAKER/NAME.flac, 16 kHz mono, manifest.csv and manifest.jsonl. Only the 16 kHz sound
is kept, since that is the rate of every later step; clipping and noise are judged before, in the samples as they came. What was accepted or
skipped is in a journal, from which a session that was killed goes on at the sentence it was at. Consent is asked for before the first take.
"""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import SAMPLE_RATE, stream_media
from telucodec.audio.sound_file import write_audio
from telucodec.data.doctor import Finding
from telucodec.data.importing import row_of
from telucodec.data.loudness import Measures as Loudness
from telucodec.data.loudness import measure as loudness
from telucodec.data.manifest import OWN, Segment, one_form, write_manifests
from telucodec.data.measures import Measures
from telucodec.data.outcome import is_whole
from telucodec.data.prompt_order import Coverage, Pool
from telucodec.data.prompts import sentence_name
from telucodec.data.sources.source import Utterance
from telucodec.data.take import judge
from telucodec.data.workplace import NAME_BYTES, flac_path, sweep
from telucodec.errors import DataError, TelucodecError
from telucodec.files import append_line, fits_a_line, write_whole

SESSION_JOURNAL = "recording.jsonl"
CONSENT = "consent.json"

MAX_TAKE_S = 60.0
"""Longer ones are refused; a sentence takes ten."""

MIN_RATE, MAX_RATE = 8_000, 192_000
"""Hz, of the sound that comes in."""

CONSENT_TEXT = (
    "My voice will be recorded while I read sentences aloud. The recordings will be kept with the speaker name and the licence given here, "
    "and used to build and test speech software. Under an open licence anyone may copy and use them, for any purpose the licence "
    "allows, and copies that others hold cannot be called back. I take part of my own free will and may stop at any time."
)


class StaleRequest(TelucodecError):
    """What was asked for concerns a take or a sentence that is no longer the one at hand."""


@dataclass(frozen=True)
class Consent:
    """Who agreed to what, and when."""

    text: str
    speaker: str
    language: str
    licence: str
    given_at: str
    """Date and time, ISO 8601, UTC."""


@dataclass(frozen=True)
class Prompt:
    """A sentence to be read."""

    name: str
    text: str
    number: int
    """Its place among all, from 1."""


@dataclass(frozen=True)
class Take:
    """A recording of the prompt at hand that waits for a decision."""

    name: str
    path: Path
    """WAV file, 16 bits, at the rate it came in."""
    measures: Measures
    findings: tuple[Finding, ...]

    @property
    def level(self) -> str:
        """Its levels in a line."""
        snr = f"SNR {self.measures.snr_db:.0f} dB" if math.isfinite(self.measures.snr_db) else "SNR not measured"
        peak = 20 * math.log10(max(self.measures.peak, 1e-8))
        return f"{self.measures.duration_s:.1f} s, peak {peak:.0f} dBFS, noise floor {self.measures.noise_floor_dbfs:.0f} dBFS, {snr}"


@dataclass(frozen=True)
class Progress:
    """How far a session is."""

    accepted: int
    skipped: int
    total: int
    duration_s: float
    """Of what was accepted."""
    coverage: Coverage

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.accepted} of {self.total} sentences{skipped}, {self.duration_s / 60:.1f} minutes, {self.coverage}"


class RecordingSession:
    """The sentences `texts`, in their order, on their way into the folder `out`. One speaker, one thread at a time."""

    def __init__(self, texts: Sequence[str], out: Path, consent_text: str = CONSENT_TEXT) -> None:
        self.out = Path(out)
        self.texts = list(texts)
        self.consent_text = consent_text
        self.pool = Pool(self.texts)
        self.take: Take | None = None
        self._num_takes = 0
        sweep(self.out)
        for left in self.out.glob(".take-*.wav"):
            left.unlink(missing_ok=True)
        self.consent = _read_consent(self.out / CONSENT)
        self._accepted: dict[str, tuple[str, Loudness]] = {}
        """Name and loudness of each sentence that was accepted, in the order of recording."""
        self._skipped: set[str] = set()
        if self.consent:
            self._go_on()

    def give_consent(self, speaker: str, language: str, licence: str) -> None:
        """Store once that `speaker` agreed to the consent text. Raises DataError where a name is no use or another one's consent is there."""
        speaker, language, licence = map(one_form, (speaker, language, licence))
        if not speaker or not licence:
            raise DataError("speaker and licence: both are needed; give a name (a made-up one will do) and a licence such as CC0-1.0")
        self.expect(speaker, language, licence)
        if len(speaker.encode()) > NAME_BYTES or {*"/\\"} & {*speaker} or speaker[0] == ".":
            raise DataError("speaker: names a folder; give a short name without slashes that does not begin with a dot")
        if self.consent:
            return
        given_at = datetime.now(UTC).isoformat(timespec="seconds")
        consent = Consent(self.consent_text, speaker, language, licence, given_at)
        write_whole(self.out / CONSENT, json.dumps(asdict(consent), ensure_ascii=False, indent=2).encode())
        self.consent = consent
        self._go_on()

    def expect(self, speaker: str, language: str, licence: str) -> None:
        """Raise DataError where one of these does not print, or the session was begun with other ones; empty ones expect nothing."""
        begun = asdict(self.consent) if self.consent else {}
        for name, word in {"speaker": speaker, "language": language, "licence": licence}.items():
            word = one_form(word)
            if not fits_a_line(word):
                raise DataError(f"{name}: holds characters that do not print; type it by hand")
            if begun and word and word != one_form(begun[name]):
                raise DataError(f"{self.out}: was begun with the {name} {begun[name]!r}, not {word!r}; give another folder with --out")

    @property
    def prompt(self) -> Prompt | None:
        """The first sentence that is neither accepted nor skipped; None without consent and when all are done."""
        if not self.consent:
            return None
        for number, text in enumerate(self.texts, 1):
            if text not in self._accepted and text not in self._skipped:
                return Prompt(sentence_name(self.consent.speaker, text), text, number)
        return None

    @property
    def progress(self) -> Progress:
        here = set(self.texts)
        return Progress(
            accepted=len(here & self._accepted.keys()),
            skipped=len(here & self._skipped),
            total=len(here),
            duration_s=sum(measures.num_samples for _, measures in self._accepted.values()) / SAMPLE_RATE,
            coverage=self.pool.coverage(self._accepted),
        )

    def hear(self, prompt_name: str, wave: np.ndarray, sample_rate: int) -> Take:
        """Keep wave [T] of the prompt of that name, float with full scale 1 or int16, as the take at hand; return it with what is wrong with it.

        Raises StaleRequest where another prompt is at hand, DataError for what cannot be a take.
        """
        prompt = self._at_hand(prompt_name)
        if not MIN_RATE <= sample_rate <= MAX_RATE:
            raise DataError(f"{sample_rate} Hz: is no rate of a microphone; choose one between {MIN_RATE} and {MAX_RATE} Hz")
        if not wave.size:
            raise DataError("no sound came from the microphone; check that it is plugged in and chosen, then record this sentence again")
        if wave.ndim != 1 or len(wave) > MAX_TAKE_S * sample_rate:
            raise DataError(
                f"{len(wave) / sample_rate:.1f} s: a take has one channel and up to {MAX_TAKE_S:g} s; record this sentence again"
            )
        if wave.dtype == np.int16:
            wave = wave / np.float32(32768)
        if not np.isfinite(wave).all():
            raise DataError("the microphone gives numbers that are no sound; choose another, then record this sentence again")
        self._drop_take()
        self._num_takes += 1
        name = f"{prompt.name}-{self._num_takes}"
        path = self.out / f".take-{name}.wav"
        write_audio(path, wave[None].astype(np.float32), sample_rate)
        self.take = Take(name, path, *judge(path, prompt.text))
        return self.take

    def accept(self, take_name: str) -> Segment:
        """Keep the take of that name as the recording of its sentence; return its row. Raises StaleRequest where it is not the one at hand."""
        take, prompt = self.named(take_name), self.prompt
        name = f"{self.consent.speaker}/{prompt.name}"
        target = self.out / flac_path(name)
        write_audio(target, stream_media(take.path), SAMPLE_RATE)
        measures = loudness(target)
        warned = [str(finding) for finding in take.findings]
        made = {"flac_bytes": target.stat().st_size, **asdict(measures)}
        self._enter({"event": "accept", "name": name, "text": prompt.text, **made, "findings": warned})
        self._accepted[prompt.text] = (name, measures)
        self._drop_take()
        return self._write_manifests()[-1]

    def retake(self, take_name: str) -> None:
        """Drop the take of that name. Raises StaleRequest where it is not the one at hand."""
        self.named(take_name)
        self._drop_take()

    def skip(self, prompt_name: str) -> None:
        """Leave the sentence of that name out for good. Raises StaleRequest where it is not the one at hand."""
        prompt = self._at_hand(prompt_name)
        self._enter({"event": "skip", "text": prompt.text})
        self._skipped.add(prompt.text)
        self._drop_take()

    def named(self, take_name: str) -> Take:
        """Return the take at hand if that is its name, else raise StaleRequest."""
        if self.take is None or take_name != self.take.name:
            raise StaleRequest("this take is gone, another was made or decided on since; record this sentence again")
        return self.take

    def close(self) -> None:
        """Remove what was not decided on."""
        self._drop_take()

    def _at_hand(self, prompt_name: str) -> Prompt:
        prompt = self.prompt
        if prompt is None:
            raise StaleRequest("no sentence is waiting: consent is missing, or all are done; look at the page again")
        if prompt_name != prompt.name:
            raise StaleRequest("another sentence is at hand by now; look at the page again, then record that one")
        return prompt

    def _drop_take(self) -> None:
        if self.take:
            self.take.path.unlink(missing_ok=True)
            self.take = None

    def _enter(self, event: dict) -> None:
        append_line(self.out / SESSION_JOURNAL, json.dumps(event, ensure_ascii=False))

    def _go_on(self) -> None:
        """Read the journal, leave out what is not true any more, and write the manifests that a kill may have kept back."""
        events = list(_events(self.out / SESSION_JOURNAL))
        for event in events:
            if event["event"] == "skip":
                self._skipped.add(event["text"])
                continue
            measures = Loudness(**{field.name: event[field.name] for field in fields(Loudness)})
            with suppress(OSError, soundfile.SoundFileError):
                flac = self.out / flac_path(event["name"])
                size = event.get("flac_bytes", flac.stat().st_size)  # journals of earlier versions do not tell
                if is_whole(flac, measures, size):
                    self._accepted[event["text"]] = (event["name"], measures)
        if events:
            kept = [event for event in events if event["event"] == "skip" or event["text"] in self._accepted]
            lines = (json.dumps(event, ensure_ascii=False) + "\n" for event in kept)
            write_whole(self.out / SESSION_JOURNAL, "".join(lines).encode())
            self._write_manifests()

    def _write_manifests(self) -> list[Segment]:
        said = asdict(self.consent)
        known = {key: said[key] for key in ("speaker", "language", "licence")}
        rows = [row_of(Utterance(name, text, **known), measures, OWN) for text, (name, measures) in self._accepted.items()]
        write_manifests(self.out, rows)
        return rows


def _read_consent(path: Path) -> Consent | None:
    try:
        return Consent(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); mend it, or give another folder with --out") from error


def _events(path: Path) -> Iterator[dict]:
    """Yield the events of the journal at `path`, but for lines that hold none, such as a last one that was cut short."""
    with suppress(FileNotFoundError):
        for line in path.read_bytes().split(b"\n"):
            with suppress(ValueError, TypeError, KeyError):
                event = json.loads(line)
                if all(isinstance(event[name], kind) for name, kind in _FIELDS[event["event"]].items()):
                    yield event


_FIELDS = {"skip": {"text": str}, "accept": {"name": str, "text": str} | {field.name: (int, float) for field in fields(Loudness)}}
"""What an event of each kind tells."""
