"""The command `telucodec`: one verb a file, and one line with exit code 2 for whatever a user can mend."""

import errno
import signal
import sys
from importlib import import_module
from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from telucodec import __version__
from telucodec.errors import TelucodecError

VERBS = {
    "build": "recordings in, codec and report out",
    "extract": "films and recordings to sound and a manifest",
    "segment": "cut recordings into segments of speech",
    "doctor": "say what is wrong with recordings",
    "encode": "compress a sound or video file",
    "decode": "decompress a .tlc file",
    "live": "talk to yourself over a bad line",
    "info": "say what a .tlc file holds",
    "bound": "estimate what SNR your audio allows at a rate",
    "evaluate": "measure a model beside other codecs",
    "report": "one page of results, to decide from",
    "snr-doctor": "say why decoded sound differs from the original",
    "filter": "keep the rows worth learning from",
    "import": "bring in speech that others collected",
    "tts": "speak sentences with a synthesiser",
    "plan": "say what a training would take",
    "train": "train a codec of discrete codes",
    "optimize": "freeze a trained codec, without PyTorch",
    "record": "record sentences, each take judged",
    "demo": "a page to hear the codec before and after",
    "manifest": "share out, mix, count, check, convert, export",
    "recognizer": "train and use a speech recogniser",
    "listening-test": "compare codecs by ear",
}
"""Verbs in the order of the help, and what each does, in few enough words for a line there."""
NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def module_of(verb: str) -> str:
    """What the module of a verb and the function or app in it are called; `_` tells from Python's own names."""
    return f"{verb}_" if verb in ("filter", "import") else verb.replace("-", "_")


class Verbs(TyperGroup):
    """Verbs whose modules are loaded when they are called: a decoder needs neither plots nor pages."""

    def list_commands(self, ctx: typer.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:
        if cmd_name not in VERBS:
            return None
        name = module_of(cmd_name)
        verb = getattr(import_module(f"telucodec.cli.{name}"), name)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        if isinstance(verb, typer.Typer):
            alone.add_typer(verb, name=cmd_name)
        else:
            alone.command(cmd_name)(verb)
        command = typer.main.get_group(alone).commands[cmd_name]
        command.short_help = VERBS[cmd_name]
        for each in (command, *getattr(command, "commands", {}).values()):
            for argument in each.params:
                if argument.param_type_name == "argument":  # called in usage and errors as it is in the help
                    argument.metavar = argument.metavar or argument.name.upper()
        return command

    def invoke(self, ctx: typer.Context) -> object:
        """Run the verb that was called. Files are written by `whole`, so that what fails here is lines on standard output."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno not in (errno.EPIPE, *NO_ROOM):
                raise
            sys.stdout = None  # or Python tries once more at its end
            if error.errno == errno.EPIPE:  # whoever listens has heard enough; typer would say 1, which is what a doctor found
                raise typer.Exit(0) from error
            raise TelucodecError(f"standard output cannot be written ({error.strerror}); free some disk, or print elsewhere") from error


app = typer.Typer(
    name="telucodec",
    cls=Verbs,
    help="From recordings in your own language to a speech codec you can ship, with proof of how good it is.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"telucodec {__version__}")
        raise typer.Exit


@app.callback()
def _telucodec(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is and exit.")
    ] = False,
) -> None:
    """Nothing is done before a verb."""


class Stopped(BaseException):
    """The signal of Ctrl-C, or that of whatever ends processes, in a form that no library below mistakes for its own."""


def _stop(number: int, frame: object) -> None:
    raise Stopped(number)


def main() -> None:
    """Run the command line; exit code 0 is done, 1 is what a doctor or check found, 2 is an error or a wrong usage, 130 is Ctrl-C, 143 is SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        app()
    except TelucodecError as error:
        message = str(error).encode("utf-8", "replace").decode()
        print(f"telucodec: {message}", file=sys.stderr)
        sys.exit(2)
    except Stopped as stopped:
        print(
            "telucodec: stopped; nothing half-written is left; build, evaluate, extract and import go on from what is finished, "
            "train from its checkpoint with --resume",
            file=sys.stderr,
        )
        sys.exit(128 + stopped.args[0])
