"""The command `telucodec`: one verb a file, and one line with exit code 2 for whatever a user can mend."""

import signal
import sys

import typer

from telucodec.cli.bound import bound
from telucodec.cli.build import build
from telucodec.cli.decode import decode
from telucodec.cli.demo import demo
from telucodec.cli.doctor import doctor
from telucodec.cli.encode import encode
from telucodec.cli.evaluate import evaluate
from telucodec.cli.extract import extract
from telucodec.cli.filter import filter_
from telucodec.cli.import_ import import_
from telucodec.cli.info import info
from telucodec.cli.listening_test import listening_test
from telucodec.cli.live import live
from telucodec.cli.manifest import manifest
from telucodec.cli.optimize import optimize
from telucodec.cli.plan import plan
from telucodec.cli.recognizer import recognizer
from telucodec.cli.record import record
from telucodec.cli.report import report
from telucodec.cli.segment import segment
from telucodec.cli.snr_doctor import snr_doctor
from telucodec.cli.train import train
from telucodec.cli.tts import tts
from telucodec.errors import TelucodecError

app = typer.Typer(
    name="telucodec",
    help="From recordings in your own language to a speech codec you can ship, with proof of how good it is.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (build, extract, segment, doctor, encode, decode, live, info, bound, evaluate, report):
    app.command()(verb)
app.command("snr-doctor")(snr_doctor)
app.command("filter")(filter_)
app.command("import")(import_)
app.command()(tts)
app.command()(plan)
app.command()(train)
app.command()(optimize)
app.command()(record)
app.command()(demo)
app.add_typer(manifest, name="manifest")
app.add_typer(recognizer, name="recognizer")
app.add_typer(listening_test, name="listening-test")


class Stopped(BaseException):
    """Ctrl-C, in a form that no library below mistakes for its own."""


def _stop(number: int, frame: object) -> None:
    raise Stopped


def main() -> None:
    """Run the command line; exit code 0 is done, 1 is what a doctor or check found, 2 is an error or a wrong usage, 130 is Ctrl-C."""
    signal.signal(signal.SIGINT, _stop)
    try:
        app()
    except TelucodecError as error:
        message = str(error).encode("utf-8", "replace").decode()
        print(f"telucodec: {message}", file=sys.stderr)
        sys.exit(2)
    except Stopped:
        print(
            "telucodec: stopped; nothing half-written is left; build, evaluate, extract and import go on from what is finished",
            file=sys.stderr,
        )
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
