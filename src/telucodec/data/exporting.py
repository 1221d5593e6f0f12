"""A manifest handed on in the form of another toolkit: a folder that appears whole or not at all."""

import os
import shutil
from pathlib import Path

from telucodec.data.exports import EXPORTS
from telucodec.data.manifest import read_manifest
from telucodec.errors import DataError, TelucodecError
from telucodec.files import printable
from telucodec.progress import Progress, untold


def export(manifest: Path, form: str, out: Path, progress: Progress = untold) -> tuple[int, float]:
    """Write the rows of `manifest` to the new folder `out` in a `form` of the shelf `EXPORTS`; return how many, and their seconds.

    Raises DataError where the manifest is empty or the sound of a row is not there, TelucodecError where `out` holds something already
    or cannot be written.
    """
    manifest, out = Path(manifest), Path(out).absolute()
    rows = read_manifest(manifest)
    if not rows:
        raise DataError(f"{printable(manifest)}: has no rows; there is nothing to export")
    beside = out.with_name(f".{os.getpid()}.part-{out.name}")
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise TelucodecError(f"{printable(out)}: is there already; remove it or name another folder")
        beside.mkdir(parents=True)
        EXPORTS[form](rows, manifest.parent, beside, progress)
        os.replace(beside, out)
    except OSError as error:
        raise TelucodecError(
            f"{printable(out)}: cannot be written ({error.strerror or error}); choose another place or free some disk"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return len(rows), sum(row.duration_s for row in rows)
