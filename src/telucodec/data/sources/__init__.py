"""The shelf of sources, by the name that `telucodec import` knows. A new one is a file with a `Source` and its line here."""

from telucodec.data.sources.common_voice import common_voice
from telucodec.data.sources.csv_table import CsvTable
from telucodec.data.sources.folder import Folder
from telucodec.data.sources.json_lines import JsonLines

SOURCES = {"common-voice": common_voice, "json-lines": JsonLines, "csv": CsvTable, "folder": Folder}
