"""The notes' mixes of training speech as manifests: own recordings, then Common Voice beside them, then synthetic speech too.

The notes' proportions are 400 own : 500 Common Voice : 200 synthetic; each mix takes as much as there is in these proportions, so that
what a source adds can be told from what more speech adds.
"""

from collections import Counter
from collections.abc import Sequence

from telucodec.data.manifest import Segment
from telucodec.data.mix import mix
from telucodec.errors import DataError

PROPORTIONS = {"own": 400, "commonvoice": 500, "tts": 200}
MIXES = {"A": ("own",), "B": ("own", "commonvoice"), "C": ("own", "commonvoice", "tts")}


def mixes(rows: Sequence[Segment], names: dict[str, str], seed: int = 0) -> dict[str, list[Segment]]:
    """Rows of mix A, B and C out of `rows` that can be learned from; `names` says what own, commonvoice and tts are called in the column source.

    Of each source the same rows are in every mix. Raises DataError where one has no rows.
    """
    there = Counter(row.source for row in rows)
    missing = [f"{part} ({names[part]})" for part in PROPORTIONS if not there[names[part]]]
    if missing:
        raise DataError(
            f"no rows of {', '.join(missing)} with a text to mix; import them, or say with --own, --commonvoice, --tts what they are called"
        )
    scale = min(1.0, *(there[names[part]] / count for part, count in PROPORTIONS.items()))
    counts = {names[part]: max(1, int(count * scale)) for part, count in PROPORTIONS.items()}
    return {mix_name: mix(rows, {names[part]: counts[names[part]] for part in parts}, seed) for mix_name, parts in MIXES.items()}
