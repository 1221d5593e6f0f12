"""Runs the commands of docs/dataset.md in a folder of their own and writes what they print below them: python scripts/dataset_page.py

A command is an indented line that begins with "$ "; what follows it in the same block is what it printed, errors included. Where it ends
with an exit code other than 0, its comment says which: "# exit code 2".
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "dataset.md"
PROMPT = "    $ "
COLUMNS = "120"
PROGRAMS = {
    "telucodec": [sys.executable, "-c", "from telucodec.cli.main import main; main()"],
    "python": [sys.executable],
}


def renewed(page: str, folder: Path) -> str:
    """Return `page` with what its commands print when they are run in `folder`, one after the other.

    Raises AssertionError for a command that ends with another exit code than its comment says.
    """
    lines, shown = [], False
    for line in page.splitlines():
        if line.startswith(PROMPT):
            lines += [line, *(f"    {said}".rstrip() for said in run(line.removeprefix(PROMPT), folder))]
            shown = True
        elif not (shown and (line.startswith("    ") or not line.strip())):
            if shown:
                lines.append("")
            lines.append(line)
            shown = False
    return "\n".join(lines) + "\n"


def run(command: str, folder: Path) -> list[str]:
    """Run `command` in `folder` and return the lines it prints."""
    expected = int(found[1]) if (found := re.search(r"# exit code (\d)", command)) else 0
    program, *arguments = shlex.split(command, comments=True)
    environment = os.environ | {"COLUMNS": COLUMNS, "TERM": "dumb", "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([*PROGRAMS[program], *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder, env=environment)
    said = done.stdout.decode()
    assert done.returncode == expected, f"{command}: exit code {done.returncode}\n{said}"
    return said.splitlines()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "examples").symlink_to(ROOT / "examples")
        PAGE.write_text(renewed(PAGE.read_text("utf-8"), Path(folder)), "utf-8")
    print(f"{PAGE}: commands run, outputs renewed")


if __name__ == "__main__":
    main()
