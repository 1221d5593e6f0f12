"""One HTML page from results.json: verdicts, before and after to listen to, tables, a plot, and how it was made.

The page stands alone: sound and pictures lie inside, nothing is fetched. It prints what was measured and says
"not measured", with the reason, for the rest.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from telucodec.apps.build_record import read_build_record
from telucodec.apps.plots import rate_plot_svg, spectrogram_png, spectrum_db
from telucodec.apps.table import headings, holes, number, rows, summaries
from telucodec.apps.verdicts import RATIO, duration, headline, verdicts
from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.errors import TelucodecError
from telucodec.evaluation.results import ContenderRow, Results, Sample, Trial, beside, read_results
from telucodec.evaluation.summary import PCM_KBPS
from telucodec.files import write_whole

MAX_GROUPS = 12
"""More groups than that are not broken down; a table of every speaker helps nobody."""

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Player:
    """One thing to listen to."""

    label: str
    facts: tuple[str, ...]
    sound: str = ""
    """FLAC as a data URI; empty where there is none."""
    picture: str = ""
    """PNG as a data URI."""
    missing: str = ""
    """Why there is nothing to hear."""


@dataclass(frozen=True)
class Comparison:
    """A test clip and what became of it."""

    clip: str
    duration: str
    players: tuple[Player, ...]


def report(results_path: Path, out_html: Path, build_path: Path | None = None) -> None:
    """Write the report on `results_path`, whose sound files lie beside it, and on `build_path` where there is one.

    Raises DataError for files that are not results or not a build record.
    """
    results, build = read_results(results_path), read_build_record(build_path)
    chosen = headline(results, build)
    groups = sorted({trial.group for trial in results.trials})
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("report.html").render(
        results=results,
        build=build,
        build_steps=[(step, duration(seconds)) for step, seconds in build.seconds.items()],
        chosen=chosen,
        verdicts=verdicts(results, chosen, build),
        all_verdicts=[(row.label, verdicts(results, row, build)) for row in results.contenders if row.model],
        comparisons=[_comparison(results, sample, results_path) for sample in results.samples],
        headings=headings(results),
        rows=rows(results),
        grouped=[(group or "no group", rows(results, group)) for group in groups] if 1 < len(groups) <= MAX_GROUPS else [],
        holes=holes(results),
        plot=_plot(results),
        pcm_kbps=PCM_KBPS,
    )
    write_whole(Path(out_html), page.encode())


def _plot(results: Results) -> Markup | None:
    """PESQ and SNR against measured kbps; None where neither was measured."""
    found, panels = summaries(results), {}
    for metric in results.metrics:
        if metric.name not in ("pesq", "snr_db"):
            continue
        lines: dict[str, list[tuple[float, float]]] = {}
        for row in results.contenders:
            summary = found[row.name]
            if summary.spreads[metric.name].num_measured and summary.kbps > 0:
                lines.setdefault(row.family, []).append((summary.kbps, summary.spreads[metric.name].mean))
        if lines:
            title = f"{metric.label}, {metric.unit} (waveform fidelity, not quality)" if metric.unit else metric.label
            panels[title] = lines
    # matplotlib escapes the texts it draws
    return Markup(rate_plot_svg(dict(reversed(panels.items())), PCM_KBPS / RATIO)) if panels else None


def _comparison(results: Results, sample: Sample, results_path: Path) -> Comparison:
    """Players for one clip: the original, every setting under test, and the baselines next to them in rate."""
    trials = {trial.contender: trial for trial in results.trials if trial.clip == sample.clip}
    try:
        wave = read_media(beside(results_path, sample.original))
        top_db = spectrum_db(wave).max()
        length = f"{wave.shape[-1] / SAMPLE_RATE:.1f} s"
    except TelucodecError as error:
        top_db, length = 0.0, ""
        first = Player("Original", (), missing=str(error))
    else:
        first = _player("Original", (f"{PCM_KBPS:g} kbps as 16-bit samples",), results_path, sample.original, top_db)
    players = [first]
    for row in _to_hear(results):
        trial = trials.get(row.name)
        path = sample.decoded.get(row.name)
        if path is None:
            players.append(Player(row.label, (), missing=trial.failure if trial and trial.failure else "no sound was kept"))
        else:
            players.append(_player(row.label, _facts(results, trial), results_path, path, top_db))
    return Comparison(sample.clip, length, tuple(players))


def _to_hear(results: Results) -> Sequence[ContenderRow]:
    """What is under test, and of each family of baselines the nearest measured rates below and above each of it."""
    found = summaries(results)
    rates_under_test = [found[row.name].kbps for row in results.contenders if row.model]
    families: dict[str, list[ContenderRow]] = {}
    for row in results.contenders:
        if not row.model and found[row.name].kbps > 0:
            families.setdefault(row.family, []).append(row)
    near = set()
    for family in families.values():
        for kbps in rates_under_test:
            below = [row for row in family if found[row.name].kbps <= kbps]
            above = [row for row in family if found[row.name].kbps > kbps]
            near |= {max(below, key=lambda row: found[row.name].kbps).name} if below else set()
            near |= {min(above, key=lambda row: found[row.name].kbps).name} if above else set()
    return [row for row in results.contenders if row.model or row.name in near or not rates_under_test]


def _facts(results: Results, trial: Trial | None) -> tuple[str, ...]:
    """What was measured on this clip, in a few words each."""
    if trial is None:
        return ()
    facts = [] if trial.kbps is None else [number(trial.kbps, 2, "kbps").text]
    for metric in results.metrics:
        value = trial.values.get(metric.name)
        if metric.name in ("snr_db", "pesq") and value is not None:
            facts.append(f"{metric.label} {number(value, metric.digits, metric.unit).text}")
    return (*facts, *([trial.failure] if trial.failure else []))


def _player(label: str, facts: tuple[str, ...], results_path: Path, name: str, top_db: float) -> Player:
    try:
        path = beside(results_path, name)
        picture = spectrogram_png(spectrum_db(read_media(path)), top_db)
        return Player(label, facts, _data_uri("audio/flac", path.read_bytes()), _data_uri("image/png", picture))
    except TelucodecError as error:
        return Player(label, facts, missing=str(error))


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"
