"""A file appears whole in its own place, or what lay there stays as it was. No test touches a device, for whoever runs them as root."""

import math
import os
import stat

import pytest

from telucodec.errors import TelucodecError
from telucodec.files import for_a_file, whole, without_nan, write_changed, write_whole


def test_what_breaks_off_leaves_what_was_there_and_nothing_else(tmp_path):
    (tmp_path / "a.tlc").write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "a.tlc") as beside:
        beside.write_bytes(b"half")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["a.tlc"]
    assert (tmp_path / "a.tlc").read_bytes() == b"before"


def test_two_writers_of_one_file_do_not_write_into_each_others(tmp_path):
    with whole(tmp_path / "a.tlc") as one, whole(tmp_path / "a.tlc") as other:
        one.write_bytes(b"one")
        other.write_bytes(b"other")
        assert one.read_bytes() == b"one"


def test_a_file_that_holds_the_same_already_is_not_written_again(tmp_path):
    target = tmp_path / "a.csv"
    kept = []
    for content in (b"one", b"one", b"two"):
        write_changed(target, content)
        kept.append((target.stat().st_ino, target.stat().st_mtime_ns))
        assert target.read_bytes() == content
    assert kept[0] == kept[1] != kept[2]


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "real.tlc").write_bytes(b"before")
    for name, leads_to in (("link.tlc", "far/real.tlc"), ("again.tlc", "link.tlc"), ("nowhere.tlc", "far/new.tlc")):
        (tmp_path / name).symlink_to(leads_to)
        write_whole(tmp_path / name, name.encode())
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / leads_to).read_bytes() == name.encode()
    assert sorted(path.name for path in (tmp_path / "far").iterdir()) == ["new.tlc", "real.tlc"]


def test_a_pipe_is_no_place_for_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        for write in (write_whole, write_changed):
            with pytest.raises(TelucodecError, match=f"{name}: is a pipe or a device.*; name a file"):
                write(tmp_path / name, b"new")
        with pytest.raises(TelucodecError):
            for_a_file(tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]


def test_a_folder_that_cannot_be_written_is_told_before_the_work(tmp_path, monkeypatch):
    assert for_a_file(tmp_path / "not" / "yet" / "there.json") == tmp_path / "not" / "yet" / "there.json"
    monkeypatch.chdir(tmp_path)
    assert for_a_file("here.json").name == "here.json"
    (tmp_path / "file").touch()
    with pytest.raises(TelucodecError, match="cannot be written into .*file .it is no folder"):
        for_a_file(tmp_path / "file" / "a.json")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere but on a disk that is only read
    with pytest.raises(TelucodecError, match="no new file may be written there"):
        for_a_file(tmp_path / "a.json")


def test_a_file_that_is_written_again_keeps_its_mode_and_owner(tmp_path):
    target = tmp_path / "shared.tlc"
    target.touch()
    target.chmod(0o660)
    if os.getuid() == 0:
        os.chown(target, 1234, 1234)
    before = target.stat()
    write_whole(target, b"new")
    after = target.stat()
    assert target.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_file_that_is_linked_into_a_place_keeps_its_own_mode(tmp_path):
    (tmp_path / "source").touch()
    (tmp_path / "source").chmod(0o440)
    for link in (os.link, os.symlink):
        target = tmp_path / f"{link.__name__}ed"
        target.touch()
        target.chmod(0o666)
        with whole(target) as beside:
            link(tmp_path / "source", beside)
        assert target.samefile(tmp_path / "source")
        assert stat.S_IMODE((tmp_path / "source").stat().st_mode) == 0o440


def test_numbers_that_are_not_finite_are_null_however_deep_they_lie():
    told = {"a": math.nan, "b": [1.5, (math.inf, "nan")], "c": {"d": -math.inf, "e": 0, "f": None}}
    assert without_nan(told) == {"a": None, "b": [1.5, [None, "nan"]], "c": {"d": None, "e": 0, "f": None}}
