"""What every source on the shelf promises, and what is particular to each."""

import json
import os
import tarfile
import time

import numpy as np
import pytest
from release import PARTS, SENTENCES, clip, make_archive, make_folder, mp3

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.audio.sound_file import write_audio
from telucodec.data.extract import for_test
from telucodec.data.importing import import_source
from telucodec.data.manifest import read_manifest, read_segment
from telucodec.data.sources import SOURCES
from telucodec.data.sources.source import SourceConfig, safe_name
from telucodec.errors import DataError


def tone(path, seconds=0.5):
    write_audio(path, 0.3 * np.sin(np.arange(int(seconds * SAMPLE_RATE)) / 9, dtype=np.float32)[None], SAMPLE_RATE)


def of_common_voice(root):
    return make_archive(make_folder(root), root / "te.tar.gz")


def of_json_lines(root):
    tone(root / "ధ్వని" / "ఒకటి.wav")
    (root / "list.jsonl").write_text(json.dumps({"key": "ధ్వని/ఒకటి.wav", "text": "మంచి రోజు"}, ensure_ascii=False) + "\n", "utf-8")
    return root / "list.jsonl"


def of_csv(root):
    tone(root / "ధ్వని" / "ఒకటి.wav")
    (root / "list.csv").write_text("path,text,speaker,language\nధ్వని/ఒకటి.wav,మంచి రోజు,లక్ష్మి,te\n", "utf-8")
    return root / "list.csv"


def of_folder(root):
    tone(root / "speech" / "లక్ష్మి" / "ఒకటి.wav")
    (root / "speech" / "లక్ష్మి" / "ఒకటి.txt").write_text("మంచి రోజు\n", "utf-8")
    return root / "speech"


MAKERS = {"common-voice": of_common_voice, "json-lines": of_json_lines, "csv": of_csv, "folder": of_folder}
each = pytest.mark.parametrize("kind", SOURCES)


def brought_in(kind, path, out, **config):
    return import_source(SOURCES[kind](path, SourceConfig(**config)), out, kind)


@each
def test_its_sounds_and_texts_come_in_and_the_rows_are_true(kind, tmp_path):
    imported = brought_in(kind, MAKERS[kind](tmp_path), tmp_path / "out", language="te")
    assert not imported.rejected
    assert "మంచి రోజు" in [row.text for row in imported.rows]
    assert read_manifest(tmp_path / "out" / "manifest.csv") == read_manifest(tmp_path / "out" / "manifest.jsonl") == list(imported.rows)
    for row in imported.rows:
        wave = read_segment(row, tmp_path / "out")
        assert (row.source, row.language, row.synthetic) == (kind, "te", False)
        assert row.peak == pytest.approx(np.abs(wave).max()) and row.rms == pytest.approx(np.sqrt(np.mean(wave**2)), rel=1e-4)


@each
def test_a_second_time_nothing_is_decoded(kind, tmp_path, monkeypatch):
    source = MAKERS[kind](tmp_path)
    first = brought_in(kind, source, tmp_path / "out")
    monkeypatch.setattr("telucodec.data.importing.stream_media", None)
    again = brought_in(kind, source, tmp_path / "out")
    assert again.rows == first.rows and again.num_reused == len(first.rows)


@each
def test_what_is_not_there_is_an_error_in_words(kind, tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        brought_in(kind, tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize("packed", ["folder", "tables first", "tables last"])
def test_a_release_is_the_same_packed_and_unpacked(packed, tmp_path):
    folder = make_folder(tmp_path)
    path = folder if packed == "folder" else make_archive(folder, tmp_path / "te.tar.gz", packed == "tables first")
    imported = brought_in("common-voice", path, tmp_path / "out")
    assert [row.recording for row in imported.rows] == [f"te/{clip(number)}" for number in PARTS["validated"]]
    assert [row.text for row in imported.rows] == SENTENCES[:6]
    assert {row.licence for row in imported.rows} == {"CC0-1.0"}
    assert [row.speaker[0] for row in imported.rows] == list("001122") and len(imported.rows[0].speaker) == 128
    original = read_media(folder / "te" / "clips" / clip(0))
    np.testing.assert_allclose(read_segment(imported.rows[0], tmp_path / "out"), original, atol=0.51 / 32768)
    details = (tmp_path / "out" / "details.csv").read_text("utf-8").splitlines()
    assert len(details) == 7 and "age,gender,accents" in details[0] and "twenties,female_feminine" in details[1]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("audio", "details.csv", "import.jsonl", "manifest.csv", "manifest.jsonl", "rejected.csv")
    ]


def test_parts_and_language_of_a_release_are_chosen(tmp_path):
    folder = make_folder(tmp_path)
    imported = brought_in("common-voice", folder, tmp_path / "out", parts=("test", "other"))
    assert [row.recording for row in imported.rows] == [f"te/{clip(number)}" for number in (4, 5, 6, 7)]
    with pytest.raises(DataError, match="no sound could be imported"):
        brought_in("common-voice", folder, tmp_path / "none", language="hi")
    with pytest.raises(DataError, match="choose from validated, train"):
        brought_in("common-voice", folder, tmp_path / "none", parts=("best",))


def test_a_folder_in_the_place_of_a_table_is_told(tmp_path):
    (tmp_path / "te" / "validated.tsv").mkdir(parents=True)
    with pytest.raises(DataError, match="validated.tsv: cannot be read .Is a directory."):
        brought_in("common-voice", tmp_path, tmp_path / "out")


BAD_ROWS = "\n".join(
    [
        "s1\tcommon_voice_te_1.mp3",  # too few cells
        "\t".join(["s1", "../../../escaped.mp3", "", "పారిపో", *[""] * 9]),
        "\t".join(["s1", "/tmp/escaped.mp3", "", "పారిపో", *[""] * 9]),
        "\t".join(["s1", "absent.mp3", "", "లేదు", *[""] * 9]),
        "\t".join(["s1", clip(6), "", "  ", *[""] * 9]),
        "\t".join(["s1", clip(0), "", "వేరే వాక్యం", *[""] * 7, "te", ""]),
        "\t".join(["s1", clip(7), "", "\udcff\udcfe", *[""] * 9]),
        "\t".join(["s1", "broken.mp3", "", "పాడైంది", *[""] * 9]),
    ]
)


@pytest.mark.parametrize("packed", [False, True])
def test_bad_rows_are_told_one_by_one_and_the_rest_is_imported(packed, tmp_path):
    folder = make_folder(tmp_path, BAD_ROWS)
    (folder / "te" / "clips" / "broken.mp3").write_bytes(b"no sound at all" * 50)
    path = make_archive(folder, tmp_path / "te.tar.gz") if packed else folder
    imported = brought_in("common-voice", path, tmp_path / "deep" / "er" / "out")
    assert len(imported.rows) == 6
    reasons = dict(imported.rejected)
    assert len(reasons) == 8
    for which, why in [
        ("validated.tsv, line 8", "2 cells"),
        ("validated.tsv, line 9", "no name of a clip"),
        ("validated.tsv, line 10", "no name of a clip"),
        ("te/absent.mp3", ""),
        ("validated.tsv, line 12", "no sentence"),
        (f"te/{clip(0)}, again", "listed twice"),
        ("validated.tsv, line 14", "not UTF-8"),
        ("te/broken.mp3", "no media file"),
    ]:
        assert why in reasons[which]
    assert not list(tmp_path.rglob("*escaped*"))
    assert (tmp_path / "deep" / "er" / "out" / "rejected.csv").read_text("utf-8").count("\n") == 9


def test_a_table_of_one_endless_line_does_not_fill_the_memory(tmp_path):
    folder = make_folder(tmp_path, "x" * (3 << 20))
    imported = brought_in("common-voice", folder, tmp_path / "out")
    assert len(imported.rows) == 6 and len(imported.rejected) == 3


def hostile(name, kind=tarfile.REGTYPE, linkname=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, linkname
    return member


def test_hostile_members_of_an_archive_are_never_written(tmp_path):
    home = "cv-corpus-24.0-2025-12-05/te/clips"
    members = (
        hostile("../escaped.mp3"),
        hostile(f"{home}/../../../../../escaped.mp3"),
        hostile(f"{tmp_path}/escaped.mp3"),
        hostile(f"{home}/link.mp3", tarfile.SYMTYPE, "/etc/passwd"),
        hostile(f"{home}/{clip(0)}", tarfile.LNKTYPE, "/etc/passwd"),
        hostile(f"{home}/fifo.mp3", tarfile.FIFOTYPE),
        hostile(f"{home}/.124.part-hidden"),
    )
    archive = make_archive(make_folder(tmp_path / "in"), tmp_path / "in" / "te.tar.gz", more=members)
    before = {path for path in tmp_path.rglob("*")}
    imported = brought_in("common-voice", archive, tmp_path / "a" / "b" / "c" / "out")
    assert len(imported.rows) == 6
    assert sum("leads out" in why for _, why in imported.rejected) == 3
    assert sum("link or device" in why for _, why in imported.rejected) == 3
    made = {path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()} - before
    assert all(path.is_relative_to(tmp_path / "a" / "b" / "c" / "out") and not path.is_symlink() for path in made)
    assert len([path for path in made if path.suffix == ".flac"]) == 6


def test_an_archive_that_breaks_off_gives_what_it_has(tmp_path):
    archive = make_archive(make_folder(tmp_path), tmp_path / "te.tar.gz")
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    imported = brought_in("common-voice", archive, tmp_path / "out")
    assert 0 < len(imported.rows) < 6
    assert len({which for which, _ in imported.rejected if which.startswith("te/")}) == 6 - len(imported.rows)
    archive.write_bytes(b"no archive" * 100)
    with pytest.raises(DataError, match="is no archive"):
        brought_in("common-voice", archive, tmp_path / "other")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_an_archive_that_claims_more_than_it_holds_breaks_off_at_once(mode, tmp_path):
    claimed = tarfile.TarInfo("cv-corpus/te/clips/a.mp3")
    claimed.size = 1 << 40
    with tarfile.open(tmp_path / "te.tar", mode) as archive:
        archive.fileobj.write(claimed.tobuf() + bytes(9000))
    began = time.process_time()
    with pytest.raises(DataError, match="breaks off .*download it again"):
        brought_in("common-voice", tmp_path / "te.tar", tmp_path / "out")
    assert time.process_time() - began < 5


@pytest.mark.parametrize("line", ["{", "[]", '{"key": "a.wav"}', '{"key": 3, "text": ""}', '{"key": "a\\u0000.wav", "text": ""}'])
def test_a_bad_json_line_is_told_by_its_number(line, tmp_path):
    listing = of_json_lines(tmp_path)
    listing.write_text(listing.read_text("utf-8") + "\n" + line + "\n", "utf-8")
    ((which, _),) = brought_in("json-lines", listing, tmp_path / "out").rejected
    assert which == "list.jsonl, line 3"


def test_half_a_character_is_no_text(tmp_path):
    listing = of_json_lines(tmp_path)
    tone(tmp_path / "b.wav")
    listing.write_text(listing.read_text("utf-8") + '{"key": "b.wav", "text": "\\ud800"}\n', "utf-8")
    (rejected,) = brought_in("json-lines", listing, tmp_path / "out").rejected
    assert rejected[0] == "b.wav" and "half a character" in rejected[1]


def test_a_table_without_its_columns_or_with_ragged_rows_is_told(tmp_path):
    table = of_csv(tmp_path)
    table.write_text(table.read_text("utf-8") + "b.wav\nc.wav,one, two, three, four\n", "utf-8")
    assert [which for which, _ in brought_in("csv", table, tmp_path / "out").rejected] == ["list.csv, line 3", "list.csv, line 4"]
    table.write_text("file,text\n", "utf-8")
    with pytest.raises(DataError, match="lacks the column path"):
        brought_in("csv", table, tmp_path / "out")


def test_a_folder_need_not_have_text_and_what_was_imported_into_it_is_passed_over(tmp_path):
    tone(tmp_path / "a.wav")
    tone(tmp_path / ".hidden" / "b.wav")
    (tmp_path / "c.mp3").write_bytes(mp3(0.2 * np.sin(np.arange(32_000) / 20)))
    raw = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav")
    os.rename(tmp_path / "a.wav", raw)
    for _ in range(2):
        imported = brought_in("folder", tmp_path, tmp_path / "out", speaker="లక్ష్మి", licence="CC-BY-4.0")
        assert [row.text for row in imported.rows] == ["", ""] and not imported.rejected
        assert {(row.speaker, row.licence) for row in imported.rows} == {("లక్ష్మి", "CC-BY-4.0")}


@pytest.mark.parametrize(
    "where", ["../a.wav", "/etc/a.wav", "a/../../b.wav", "..", ".", "", "a\\b.wav", ".hidden", "x" * 300, "అ" * 99, "\ud800"]
)
def test_no_name_leads_out_of_its_folder(where, tmp_path):
    name = safe_name(where)
    assert not {"", ".", ".."} & set(name.split("/")) and "\\" not in name
    assert all(len(part.encode()) <= 200 for part in name.split("/"))
    assert name != safe_name(f"{where} ") and name == safe_name(where)


@pytest.mark.parametrize("where", ["a.wav", "తెలుగు/క్\u200cష.wav", "test/a b/c,d.flac"])
def test_a_plain_name_is_kept_byte_for_byte(where):
    assert safe_name(where) == safe_name(f"./{where}") == where


@pytest.mark.parametrize("part", ["అ" * 99, "\udcff", "a\\b", "a\tb"])
def test_a_part_that_is_no_name_changes_nothing_around_it(part):
    first, second, last = safe_name(f"test/{part}/a.wav").split("/")
    assert (first, last) == ("test", "a.wav") and second == safe_name(part)
    assert safe_name(f"test/lakshmi/{part}.wav").startswith("test/lakshmi/")


def test_what_is_for_testing_stays_so_whatever_its_name(tmp_path):
    tone(tmp_path / "speech" / "test" / "లక్ష్మి" / f"{'వాక్యం ' * 11}.wav")
    (row,) = brought_in("folder", tmp_path / "speech", tmp_path / "out").rows
    assert for_test(row.recording) and row.speaker == "లక్ష్మి"
