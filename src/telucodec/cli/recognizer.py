"""telucodec recognizer: a speech recogniser from nothing, what it hears, how wrong it is, and its bundle without PyTorch."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from telucodec.audio.media import SAMPLE_RATE, source_facts
from telucodec.cli.ending import spare
from telucodec.cli.finite import finite
from telucodec.cli.needing import needing
from telucodec.cli.progress import progress_bar
from telucodec.cli.typed import typed
from telucodec.counting import counted
from telucodec.data.manifest import MANIFEST_SUFFIXES, OWN, moved, read_manifest, read_manifests, write_manifest
from telucodec.data.prompts import read_lines
from telucodec.errors import DataError, TelucodecError
from telucodec.files import for_a_file, printable, without_nan, write_whole
from telucodec.recognizer.bundle import Recognizer, load_bundle
from telucodec.recognizer.evaluate import Evaluation, to_hear
from telucodec.recognizer.evaluate import evaluate as measure
from telucodec.recognizer.examples import BatchConfig, Transcribed, transcribed
from telucodec.recognizer.mixes import MIXES
from telucodec.recognizer.mixes import mixes as make_mixes
from telucodec.recognizer.score import Rates, most_wrong
from telucodec.recognizer.transcribe import transcribe as hear
from telucodec.recognizer.transcribe import windows_of

MANIFESTS = Path("data/manifests")
DATA = "Folder with train.csv and val.csv, as `telucodec manifest split` makes it"
SETTINGS = "Settings that ship (commands, characters, aksharas, bpe, telugu) or a .toml file"
Config = Annotated[str, typer.Option(help=f"{SETTINGS}.")]
Gates = Annotated[bool, typer.Option("--gates/--no-gates", help="Check transcripts and network before spending.")]
Runs = Annotated[Path, typer.Option("--checkpoint_dir", "--runs", help="Folder for runs.")]
Bundle = Annotated[Path, typer.Argument(help="Folder that `telucodec recognizer optimize` wrote.")]
Lm = Annotated[bool, typer.Option("--lm/--no-lm", help="Search with the bundle's language model, where it has one.")]

Closed = Annotated[
    list[Path] | None,
    typer.Option(
        "--closed", help="Sentences that alone may be said: text file or manifest (.csv, .jsonl); repeat the option for more files."
    ),
]


def train(
    data_dir: Annotated[
        Path | None,
        typer.Option("--data_dir", "--data", help=f"{DATA}; {MANIFESTS} if not given, with --resume that of the run."),
    ] = None,
    config: Annotated[str | None, typer.Option(help=f"{SETTINGS}; characters if not given.")] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.01, callback=finite, help="Train for so long; 30 if no length is given, with --resume as long as the run was to be."
        ),
    ] = None,
    num_epochs: Annotated[int | None, typer.Option("--num_epochs", "--epochs", min=1, help="Hear every clip so many times.")] = None,
    checkpoint_dir: Runs = Path("runs"),
    experiment_name: Annotated[
        str | None,
        typer.Option(
            "--experiment_name",
            "--name",
            help="Name of the run's folder; that of the settings if not given, or from- and that of the run to start from.",
        ),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this folder, from its checkpoint, with its settings, data and length.")
    ] = None,
    start: Annotated[Path | None, typer.Option("--from", help="Start from this run's recogniser, with its settings and units.")] = None,
    gates: Gates = True,
    precision: Annotated[str, typer.Option(help="auto, 32 or bf16.")] = "auto",
    wandb: Annotated[bool, typer.Option("--use_wandb", help="Report to Weights & Biases too.")] = False,
) -> None:
    """Train a recogniser from nothing on the rows of --data that have a text.

    Example: telucodec recognizer train --data data/manifests --config characters --minutes 30
    """
    for option, value in {"--config": config, "--experiment_name": experiment_name, "--from": start}.items():
        if resume and value is not None:
            raise typer.BadParameter(f"--resume goes on with the settings of {resume}; leave {option} out")
    if start and config is not None:
        raise typer.BadParameter(f"--from takes the settings of {start}; leave --config out")
    asked = [option for option in (minutes, num_epochs) if option is not None]
    if len(asked) > 1:
        raise typer.BadParameter("ask for --minutes or --num_epochs, for one of them")
    with needing("train,recognizer"):  # torch, from here on
        from telucodec.recognizer.train import Request, run

    request = Request(
        data=data_dir or (None if resume else MANIFESTS),
        config=config or "characters",
        minutes=minutes if asked or resume else 30.0,
        epochs=num_epochs,
        runs=checkpoint_dir,
        name=experiment_name,
        resume=resume,
        start=start,
        gates=gates,
        precision=precision,
        wandb=wandb,
        command=typed(),
    )
    with progress_bar("train") as progress:
        folder, outcome = run(request, lambda line: typer.echo(line, err=True), progress)
    typer.echo(
        f"{folder / 'model'}: {outcome.updates:,} updates heard {outcome.heard_hours:.1f} h of speech in {outcome.spent_s / 60:.1f} min; "
        f"CER {100 * outcome.entry['cer']:.1f} %, WER {100 * outcome.entry['wer']:.1f} % on validation clips"
    )
    if outcome.signs:
        raise TelucodecError(f"{folder}: trained, but not well: {outcome.signs[0]}")


def curve(
    data_dir: Annotated[Path, typer.Option("--data_dir", "--data", help=f"{DATA}.")] = MANIFESTS,
    config: Config = "characters",
    minutes: Annotated[float, typer.Option(min=0.01, callback=finite, help="Length of each run.")] = 10.0,
    shares: Annotated[str, typer.Option(help="Shares of train.csv in per cent, each a run.")] = "25,50,100",
    mixed: Annotated[
        list[Path] | None, typer.Option("--mix", help="Instead of shares: a manifest for each run, as `recognizer mixes` writes them.")
    ] = None,
    checkpoint_dir: Runs = Path("runs"),
    seed: Annotated[int, typer.Option(help="Another seed takes other rows.")] = 0,
    gates: Gates = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the points as JSON.")] = False,
) -> None:
    """Train on growing parts of train.csv, or on each mix, for the same time each, and tell how errors on val.csv fall.

    Example: telucodec recognizer curve --data data/manifests --shares 25,50,100 --minutes 10
    """
    if len({path.stem for path in mixed or ()}) < len(mixed or ()):
        raise typer.BadParameter("runs are named by the files of --mix, two of which have one name; rename one")
    with needing("train,recognizer"):  # torch, from here on
        from telucodec.recognizer.curve import learning_curve, parts
        from telucodec.recognizer.recipe import recognizer_of
        from telucodec.recognizer.train import Request

    request = Request(data=data_dir, config=config, minutes=minutes, runs=checkpoint_dir, gates=gates, command=typed())
    if mixed:
        manifests = {path.stem: moved(read_manifest(path), path.parent, data_dir) for path in mixed}
    else:
        settings = recognizer_of(config)
        told = transcribed(read_manifest(data_dir / "train.csv"), settings.script, settings.batches.longest_s)
        _tell_left_out(told)
        manifests = parts(told.rows, [each / 100 for each in _shares(shares)], seed)
    points = []
    with progress_bar("curve") as progress:
        for point in learning_curve(request, manifests, lambda line: typer.echo(line, err=True), progress):
            points.append(point)
            if not as_json:
                typer.echo(
                    f"{point.name:>8}  {point.clips:6} clips  {point.hours:7.2f} h  {point.updates:7,} updates  "
                    f"CER {100 * point.cer:5.1f} %  WER {100 * point.wer:5.1f} %"
                )
    if as_json:
        typer.echo(json.dumps([asdict(point) for point in points]))
        return
    typer.echo(f"{checkpoint_dir}: {counted(len(points), 'run')} of {minutes:g} min each")


def mixes(
    manifests: Annotated[list[Path], typer.Argument(help="Manifests to train with, after the split.")],
    out: Annotated[Path, typer.Option(help="Folder for A.csv, B.csv, C.csv.")],
    own: Annotated[str, typer.Option(help="What the column source calls own recordings.")] = OWN,
    commonvoice: Annotated[str, typer.Option(help="What it calls Common Voice.")] = "commonvoice",
    tts: Annotated[str, typer.Option(help="What it calls synthetic speech.")] = "tts",
    seed: Annotated[int, typer.Option(help="Another seed takes other rows.")] = 0,
) -> None:
    """Write the mixes A (own), B (own and Common Voice) and C (synthetic too), in the proportions 400 : 500 : 200.

    Example: telucodec recognizer mixes data/manifests/train.csv --out data/mixes
    """
    spare(manifests, *(out / f"{name}.csv" for name in MIXES))
    told = transcribed(read_manifests(manifests, out), "", BatchConfig().longest_s)
    _tell_left_out(told)
    made = make_mixes(told.rows, {"own": own, "commonvoice": commonvoice, "tts": tts}, seed)
    for name, mixed in made.items():
        write_manifest(out / f"{name}.csv", mixed)
    typer.echo(
        f"{out}: "
        + ", ".join(
            f"{name} {counted(len(mixed), 'row')}, {sum(row.duration_s for row in mixed) / 3600:.2f} h" for name, mixed in made.items()
        )
    )


def optimize(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path | None, typer.Option(file_okay=False, help="Folder for the bundle; bundle/ in the run's if not given.")] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data_dir", "--data", help="Folder with val.csv: the clips that the bundle is compared on; the run's own if not given."
        ),
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Matrices in 8 bits, if that costs no more than half a point of CER.")] = False,
    prompts: Annotated[
        list[Path] | None,
        typer.Option(help="Sentences for a language model: text file or manifest (.csv, .jsonl); repeat the option for more files."),
    ] = None,
    order: Annotated[
        int | None, typer.Option(min=1, max=12, help="Symbols that the language model sees, its own counted; 6 if not given.")
    ] = None,
    lm_weight: Annotated[float | None, typer.Option(min=0, max=5, help="Weight of the language model; 0.5 if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Write the recogniser of RUN as an ONNX graph that needs no PyTorch, with a language model where --prompts are given.

    The bundle must write the same texts; speed before and after is printed.

    Example: telucodec recognizer optimize runs/characters --prompts prompts.txt
    """
    of_lm = {name: value for name, value in {"order": order, "lm_weight": lm_weight}.items() if value is not None}
    if of_lm and not prompts:
        raise typer.BadParameter("--order and --lm-weight are of a language model; give its sentences with --prompts")
    with needing("train,recognizer"):  # torch, from here on
        from telucodec.recognizer.optimize import optimize as make

    out = out or run / "bundle"
    with progress_bar("compare") as progress:
        sentences = [line for path in prompts or () for line in _lines(path)]
        found = make(run, out, data_dir and data_dir / "val.csv", int8, sentences, progress=progress, **of_lm)
    _tell_unsayable(found.unsayable, len(sentences))
    if as_json:
        typer.echo(json.dumps(without_nan({"path": str(out), **asdict(found)})))
        return
    read = f"{found.num_read} of {found.num_clips} texts are among its sentences"
    lm = f"; language model: perplexity {found.lm_perplexity:.1f}, {read}" if not math.isnan(found.lm_perplexity) else ""
    typer.echo(
        f"{out}: {found.bytes_before / 1e6:.1f} -> {found.bytes_after / 1e6:.1f} MB; {100 * found.same_texts:.1f} % of {counted(found.num_clips, 'text')} are the same, "
        f"log-probabilities differ by up to {found.largest_difference:.1e}; CER {100 * found.cer_before:.2f} -> {100 * found.cer_after:.2f} %, "
        f"WER {100 * found.wer_before:.2f} -> {100 * found.wer_after:.2f} %; "
        f"{1 / found.seconds_before:.0f} -> {1 / found.seconds_after:.0f} times real time on one core{lm}"
    )


def transcribe(
    source: Annotated[Path, typer.Argument(help="Any audio or video file, or a .tlc, of any length.")],
    model: Annotated[Path, typer.Option(help="Folder that `telucodec recognizer optimize` wrote.")],
    codec: Annotated[Path | None, typer.Option(help="Model that a .tlc was encoded with; the shipped one if not given.")] = None,
    lm: Lm = True,
    closed: Closed = None,
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Text file to write, or .json for words with times; the terminal if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print stretches and words with times as JSON.")] = False,
) -> None:
    """Write down what is said in SOURCE, with the time of each stretch of speech.

    Example: telucodec recognizer transcribe talk.mp4 --model runs/characters/bundle
    """
    if codec and source.suffix.lower() != ".tlc":
        raise typer.BadParameter(f"--codec is of what a .tlc was encoded with, and {printable(source)} is none; leave it out")
    if out:
        spare([source, *(closed or ())], for_a_file(out))
    recognizer = _listener(model, lm, closed)
    if source.suffix.lower() != ".tlc" and 0 < (rate := source_facts(source).sample_rate) < SAMPLE_RATE:
        what = f"its sound is of {rate:,} Hz and has nothing above {rate / 2000:g} kHz"
        typer.echo(f"{printable(source)}: {what}; a recogniser that learned from wider sound may hear it badly", err=True)
    with progress_bar(f"transcribe {source.name}") as progress:
        stretches = list(hear(windows_of(source, codec), recognizer, progress))
    as_json = as_json or (out is not None and out.suffix.lower() == ".json")
    lines = [f"{stretch.start_s:8.2f}  {stretch.end_s:8.2f}  {stretch.text}" for stretch in stretches]
    content = json.dumps([asdict(stretch) for stretch in stretches], ensure_ascii=False, indent=1) if as_json else "\n".join(lines)
    if out:
        write_whole(out, content.encode() + b"\n")
    elif as_json or lines:
        typer.echo(content)
    if out or not as_json:
        words = sum(len(stretch.words) for stretch in stretches)
        typer.echo(f"{out or source}: {counted(words, 'word')} in {counted(len(stretches), 'stretch', 'stretches')} of speech")


def evaluate(
    model: Bundle,
    manifests: Annotated[list[Path], typer.Argument(help="Test manifests.")],
    lm: Lm = True,
    closed: Closed = None,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="JSON file for all of it, every clip too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rates as JSON.")] = False,
) -> None:
    """Count word and character errors on MANIFESTS, by speaker and source, with 95 % intervals, and what is taken for what.

    Example: telucodec recognizer evaluate runs/characters/bundle data/manifests/test.csv --out recognizer.json
    """
    if out:
        spare([*manifests, *(closed or ())], for_a_file(out))
    recognizer = _listener(model, lm, closed)
    for path in manifests:
        to_hear(path, recognizer)  # one that cannot be heard is told before the others are
    found = []
    for path in manifests:
        with progress_bar(f"evaluate {path.name}") as progress:
            found.append(measure(path, recognizer, progress))
    if out:
        write_whole(out, json.dumps(without_nan([asdict(each) for each in found]), ensure_ascii=False, indent=1).encode() + b"\n")
    if as_json:
        about = ("manifest", "model", "closed", "language_model")
        told = [asdict(each) for each in found]
        typer.echo(json.dumps(without_nan([{name: each[name] for name in about} | each["rates"] for each in told])))
        return
    for each in found:
        typer.echo(
            f"{each.manifest}: {_told(each.rates)}; nothing heard {100 * each.blank.cer:.0f} %, letters guessed {100 * each.unigram.cer:.0f} % CER"
            + (f"; language model: perplexity {each.language_model.perplexity:.1f}" if each.language_model else "")
        )
        for name, rates in list(each.by_source.items())[:10] if len(each.by_source) > 1 else ():
            typer.echo(f"  source   {name[:24]:<24}  {_told(rates)}")
        for name, rates in list(each.by_speaker.items())[:10] if len(each.by_speaker) > 1 else ():
            typer.echo(f"  speaker  {name[:24]:<24}  {_told(rates)}")
        if each.confusions:
            typer.echo(
                "  taken for: "
                + ", ".join(f"{said or 'nothing'} -> {heard or 'nothing'} {count}" for said, heard, count in each.confusions[:8])
            )
        if each.closed and each.closed.num_missing:
            typer.echo(f"  {each.closed.num_missing} of {each.rates.num_clips} references are none of the sentences of --closed", err=True)
        _tell_left_out(each)
    clips, lengths_s = sum(each.rates.num_clips for each in found), [sum(clip.duration_s for clip in each.clips) for each in found]
    speed = sum(lengths_s) / sum(each.cpu_per_s * length_s for each, length_s in zip(found, lengths_s, strict=True))
    typer.echo(
        f"{out or model}: {counted(clips, 'clip')} under the rule {found[0].normaliser} by model {found[0].model[:8]}, {_helped(found[0])}, "
        f"{speed:.0f} times real time"
    )


recognizer = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Train a speech recogniser from nothing, transcribe, measure and pack it.\n\nExample: telucodec recognizer train --data data/manifests",
)
for verb in (train, curve, mixes, optimize, transcribe, evaluate):
    recognizer.command()(verb)


def _listener(model: Path, lm: bool, closed: list[Path] | None) -> Recognizer:
    """The bundle of `model`; where `closed` is given, its sentences are all that may be said."""
    recognizer = load_bundle(model, lm)
    if not closed:
        return recognizer
    sentences = [line for path in closed for line in _lines(path)]
    narrowed = recognizer.of_prompts(sentences)
    _tell_unsayable(recognizer.unsayable(sentences), len(sentences))
    return narrowed


def _lines(path: Path) -> list[str]:
    """Sentences of a text file, or texts of a manifest, as often as they are there. Raises DataError where there is none."""
    if path.suffix.lower() not in MANIFEST_SUFFIXES:
        return read_lines(path)
    texts = [row.text for row in read_manifest(path) if row.text]
    if not texts:
        raise DataError(f"{path}: has no row with a text; name a manifest that says what is said")
    return texts


def _tell_left_out(found: Transcribed | Evaluation) -> None:
    for reason, count in found.left_out.items():
        typer.echo(f"  left out: {counted(count, 'row')}, {reason}", err=True)


def _tell_unsayable(unsayable: Sequence[str], total: int) -> None:
    if unsayable:
        typer.echo(f"  {len(unsayable)} of {total} sentences cannot be said with the units, for example {unsayable[0]!r}", err=True)


def _told(rates: Rates) -> str:
    unseen = f" (up to {100 * most_wrong(rates.num_clips):.1f} % may still be wrong)" if rates.exact == 1 else ""
    return (
        f"{counted(rates.num_clips, 'clip')}, WER {100 * rates.wer:.1f} % ({_interval(rates.wer_interval)}), "
        f"CER {100 * rates.cer:.1f} % ({_interval(rates.cer_interval)}), {100 * rates.exact:.0f} % without error{unseen}"
    )


def _helped(found: Evaluation) -> str:
    """What the recogniser knew beside the sound."""
    if found.closed:
        return f"each one of {found.closed.num_sentences:,} given sentences"
    lm = found.language_model
    return f"with a language model of order {lm.order}, weight {lm.weight:g}" if lm else "without a language model"


def _interval(shares: tuple[float, float]) -> str:
    """In per cent; one clip, and clips that are all alike, have none."""
    return "interval not measured" if math.isnan(shares[0]) else f"{100 * shares[0]:.1f} to {100 * shares[1]:.1f}"


def _shares(text: str) -> list[float]:
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a list of shares in per cent such as 25,50,100") from error
    if not all(0 < share <= 100 for share in shares):
        raise typer.BadParameter(f"{text!r} holds a share that is not between 0 and 100")
    return shares
