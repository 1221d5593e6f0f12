"""The command `telucodec`: one verb a file, and one line with exit code 2 for whatever a user can mend."""

import errno
import signal
import sys
from importlib import import_module

import typer
from typer.core import TyperCommand, TyperGroup

from telucodec.errors import TelucodecError

VERBS = {
    name: {"filter": "filter_", "import": "import_"}.get(name, name.replace("-", "_"))
    for name in (
        *("build", "extract", "segment", "doctor", "encode", "decode", "live", "info", "bound", "evaluate", "report", "snr-doctor"),
        *("filter", "import", "tts", "plan", "train", "optimize", "record", "demo", "manifest", "recognizer", "listening-test"),
    )
}
"""Verbs in the order of the help, and what their module and the function or app in it are called."""
NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


class Verbs(TyperGroup):
    """Verbs whose modules are loaded when they are called: a decoder needs neither plots nor pages."""

    def list_commands(self, ctx: typer.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:
        if cmd_name not in VERBS:
            return None
        name = VERBS[cmd_name]
        verb = getattr(import_module(f"telucodec.cli.{name}"), name)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        if isinstance(verb, typer.Typer):
            alone.add_typer(verb, name=cmd_name)
        else:
            alone.command(cmd_name)(verb)
        return typer.main.get_group(alone).commands[cmd_name]

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


@app.callback()
def _telucodec() -> None:
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
