"""JSON lines, one sound a line: {"key": path, "text": ..., "speaker": ..., "language": ..., "licence": ...}.

All but the first two may be missing. Paths start at the folder of the file.
"""

import json
from collections.abc import Iterator

from telucodec.data.sources.source import OnDisk, Reject, Utterance, openable, safe_name
from telucodec.files import read_table

KEPT = ("speaker", "language", "licence")


class JsonLines(OnDisk):
    """The sounds that a file of JSON lines lists."""

    def utterances(self, reject: Reject) -> Iterator[Utterance]:
        for number, line in enumerate(read_table(self.path).split("\n"), 1):  # splitlines would also cut at U+2028 within a text
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                key, text = row["key"], row["text"]
                others = {name: row.get(name) or getattr(self.config, name) for name in KEPT}
                if not all(isinstance(value, str) for value in (key, text, *others.values())) or not openable(key):
                    raise TypeError("a value that is no text")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                why = f"lacks {error}" if isinstance(error, KeyError) else f"is no such row ({error})"
                reject(f"{self.path.name}, line {number}", f'{why}; write {{"key": path, "text": what is said}}')
                continue
            name = safe_name(key)
            self.paths.setdefault(name, self.path.parent / key)
            yield Utterance(name, text, **others)
