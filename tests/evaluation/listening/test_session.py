"""A file that is no complete session of this test is told in one line, whatever is in it."""

import json

import pytest
from made_up_sessions import TEST, abx, key, mushra

from telucodec.errors import DataError
from telucodec.evaluation.listening.key import read_key, write_key
from telucodec.evaluation.listening.session import MAX_BYTES, read_sessions

TOLD = key("ours", "reference", "low")
GOOD = mushra(TOLD, "లక్ష్మి", ours=50, reference=100, low=0)


def written(tmp_path, content, name="one.json"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def changed(**changes):
    return json.loads(GOOD.model_dump_json()) | changes


def first_answer(**changes):
    answers = changed()["answers"]
    return changed(answers=[answers[0] | changes, *answers[1:]])


def test_what_the_page_saved_is_read_in_the_order_of_names(tmp_path):
    other = mushra(TOLD, "anna\u200c", ours=1, reference=100, low=0)
    paths = [written(tmp_path, json.loads(one.model_dump_json()), f"{n}.json") for n, one in enumerate((GOOD, other))]
    assert read_sessions(paths, TOLD) == [other, GOOD]


def test_a_session_that_an_editor_saved_again_is_read(tmp_path):
    assert read_sessions([written(tmp_path, b"\xef\xbb\xbf" + GOOD.model_dump_json().encode())], TOLD) == [GOOD]


HOSTILE = {
    "empty": b"",
    "no json": b"<html>",
    "not utf-8": b'{"test": "\xff\xfe"}',
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "huge": json.dumps(changed()).encode() + b" " * MAX_BYTES,
    "infinite": json.dumps(first_answer(seconds=float("inf"))).encode(),
    "not a number": json.dumps(first_answer(seconds=float("nan"))).encode(),
    "a score too high": first_answer(ratings=[50, 101, 0]),
    "a score of half": first_answer(ratings=[50.5, 100, 0]),
    "a score that is true": first_answer(ratings=[True, 100, 0]),
    "a score missing": first_answer(ratings=[50, 100]),
    "a sound shown twice": first_answer(places=[0, 0, 1]),
    "a clip twice": first_answer(item=1),
    "no such clip": first_answer(item=10**30),
    "unfinished": changed(answers=changed()["answers"][:1]),
    "unknown field": changed(extra=1),
    "another schema": changed(schema_version=2),
    "another test": changed(test="ba9876543210"),
    "another test with escapes": changed(test="\x1b[2J\nx"),
    "no listener": changed(listener=""),
    "a listener with escapes": changed(listener="\x1b[2J"),
    "abx answers": json.loads(abx(key("ours", "reference", method="abx", against="reference"), "a", 1).model_dump_json()),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_broken_file_is_one_line_that_names_it(tmp_path, content):
    with pytest.raises(DataError, match=r"one\.json") as caught:
        read_sessions([written(tmp_path, content)], TOLD)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600 + len(str(tmp_path))


def test_a_listener_twice_a_missing_file_and_no_files_are_told(tmp_path):
    twice = [written(tmp_path, changed(), name) for name in ("one.json", "two.json")]
    with pytest.raises(DataError, match="keep one"):
        read_sessions(twice, TOLD)
    with pytest.raises(DataError, match="cannot be read"):
        read_sessions([tmp_path / "none.json"], TOLD)
    with pytest.raises(DataError, match="cannot be read"):
        read_sessions([tmp_path], TOLD)
    with pytest.raises(DataError, match="no results"):
        read_sessions([], TOLD)


@pytest.mark.parametrize("name", ["Anna B", "anna b", "Anna  B\u200b", "\uff21nna B", "AnnaB"])
def test_a_listener_is_the_same_however_the_name_is_typed(tmp_path, name):
    twice = [written(tmp_path, changed(listener=one), f"{n}.json") for n, one in enumerate((name, "Anna B"))]
    with pytest.raises(DataError, match="keep one"):
        read_sessions(twice, TOLD)


def test_abx_trials_that_are_not_those_of_the_test_are_told(tmp_path):
    told = key("ours", "reference", method="abx", against="reference", repeats=2)
    good = json.loads(abx(told, "a", 1).model_dump_json())
    assert len(read_sessions([written(tmp_path, good)], told)[0].answers) == 4
    for change in ({"x": 7}, {"a": 1, "b": 1}, {"answer": "x"}, {"item": 1}):
        broken = good | {"answers": [good["answers"][0] | change, *good["answers"][1:]]}
        with pytest.raises(DataError, match=r"one\.json"):
            read_sessions([written(tmp_path, broken)], told)


def test_a_key_comes_back_as_it_was_written_and_a_broken_one_is_told(tmp_path):
    write_key(tmp_path / "page.key.json", TOLD)
    assert read_key(tmp_path / "page.key.json") == TOLD
    for broken in (b"{}", b"\xff", TOLD.model_dump_json().replace('"reference"', '"ours"', 1).encode()):
        (tmp_path / "page.key.json").write_bytes(broken)
        with pytest.raises(DataError, match="no key of a listening test"):
            read_key(tmp_path / "page.key.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_key(tmp_path / TEST)


@pytest.mark.parametrize("name", ["రాజ్\u200cకుమార్", "山田\u3000太郎", "Marie\u00a0Curie", "\u05d3\u05d5\u05d3\u200f", 60 * "\u0915\u093c"])
def test_a_name_is_what_people_write(tmp_path, name):
    (session,) = read_sessions([written(tmp_path, changed(listener=name, seed=f"01234567/{name}"))], TOLD)  # as the page writes it
    assert session.listener == name


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "\u202eevil", "\u2028", ""])
def test_a_name_that_would_garble_a_line_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="listener"):
        read_sessions([written(tmp_path, changed(listener=name))], TOLD)


def test_a_key_that_cannot_be_counted_by_is_refused(tmp_path):
    path = tmp_path / "page.key.json"
    without = json.loads(TOLD.model_dump_json())
    without["systems"][1]["role"] = "system"
    twice = json.loads(TOLD.model_dump_json())
    twice["systems"].append(twice["systems"][0])
    never = json.loads(key("ours", "reference", method="abx", against="reference").model_dump_json()) | {"repeats": 0}
    for broken in (without, twice, never):
        path.write_text(json.dumps(broken))
        with pytest.raises(DataError, match="no key of a listening test"):
            read_key(path)
