"""Where the command begins, also as `python -m telucodec`: Ctrl-C while its parts are still loaded ends it without a traceback."""

import signal
import sys


def _stop(number: int, frame: object) -> None:
    sys.exit(128 + number)


def main() -> None:
    """Run the command line; `cli.main` says what its exit codes mean."""
    signal.signal(signal.SIGINT, _stop)
    from telucodec.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
