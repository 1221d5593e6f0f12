"""A CSV table with a heading, one sound a row: path,text[,speaker,language,licence]. Paths start at the folder of the table."""

import csv
import io
from collections.abc import Iterator

from telucodec.data.sources.source import OnDisk, Reject, Utterance, openable, safe_name
from telucodec.errors import DataError
from telucodec.files import read_table


class CsvTable(OnDisk):
    """The sounds that a table lists."""

    def utterances(self, reject: Reject) -> Iterator[Utterance]:
        table = csv.DictReader(io.StringIO(read_table(self.path), newline=""))
        try:
            missing = [column for column in ("path", "text") if column not in (table.fieldnames or [])]
            if missing:
                columns = " and ".join(missing)
                raise DataError(f"{self.path}: lacks the column {columns}; its first line must be path,text[,speaker,language]")
            for row in table:
                where, text = row["path"], row["text"]
                if not openable(where or "") or text is None or None in row:
                    at = f"{self.path.name}, line {table.line_num}"
                    reject(at, "does not have the columns of the heading; put texts with commas in quotes")
                    continue
                others = {column: row.get(column) or getattr(self.config, column) for column in ("speaker", "language", "licence")}
                name = safe_name(where)
                self.paths.setdefault(name, self.path.parent / where)
                yield Utterance(name, text, **others)
        except csv.Error as error:
            raise DataError(f"{self.path}, line {table.line_num}: {error}; check its quotes") from error
