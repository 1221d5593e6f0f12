"""Crops: every sample is as likely, none crosses segments, all depends on seed and update alone, packed sound follows its files."""

import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from telucodec.data.batches import Crops, pack
from telucodec.data.manifest import Segment
from telucodec.errors import DataError

CROP = 100


def numbered(sizes):
    """Segments of which every sample says its own place."""
    return np.arange(sum(sizes), dtype=np.int16), np.cumsum(sizes)


def places(crop):
    return np.rint(crop[0] * 32768).astype(int)


def test_a_crop_lies_within_one_segment_and_has_silence_only_after_shorter_ones():
    samples, ends = numbered([1000, 40, 100, 3000])
    samples = samples + 1  # so that no sample looks like silence
    seen = set()
    for update in range(100):
        for crop in Crops(samples, ends, CROP, 8, 0).batch(update):
            heard = places(crop) - 1
            length = np.count_nonzero(heard >= 0)
            assert (heard[length:] == -1).all()
            assert (np.diff(heard[:length]) == 1).all()
            first, last = (np.searchsorted(ends, place, side="right") for place in (heard[0], heard[length - 1]))
            assert first == last
            assert length == min(CROP, [1000, 40, 100, 3000][first])
            seen.add(first)
    assert seen == {0, 1, 2, 3}


def test_every_second_is_about_as_likely_also_at_the_ends_of_segments():
    samples, ends = numbered([400, 900, 700])
    crops = Crops(samples, ends, CROP, 64, 0)
    counts = np.zeros(len(samples))
    for update in range(1500):
        for crop in crops.batch(update):
            counts[places(crop)[0] :][:CROP] += 1
    share = counts / counts.mean()
    for begin, end in ((0, 400), (400, 1300), (1300, 2000)):
        assert share[begin : begin + CROP].mean() == pytest.approx(1, abs=0.12)
        assert share[end - CROP : end].mean() == pytest.approx(1, abs=0.12)
        assert share[(begin + end) // 2 - 50 : (begin + end) // 2 + 50].mean() == pytest.approx(1, abs=0.12)
        assert 0.35 < share[begin] and 0.35 < share[end - 1]


def test_a_batch_depends_on_seed_and_update_alone():
    samples, ends = numbered([5000, 5000])
    first, second = Crops(samples, ends, CROP, 8, 3), Crops(samples, ends, CROP, 8, 3)
    for update in (5, 0, 7):
        first.batch(update + 100)
        np.testing.assert_array_equal(first.batch(update), second.batch(update))
    assert (first.batch(1) != first.batch(2)).any()
    assert (first.batch(1) != Crops(samples, ends, CROP, 8, 4).batch(1)).any()
    assert first.batch(0).dtype == np.float32
    assert first.batch(0).shape == (8, 1, CROP)


@pytest.fixture
def data(tmp_path):
    """Two files of noise and three rows of them."""
    rng = np.random.default_rng(0)
    sounds = {name: rng.integers(-32768, 32768, 32_000).astype(np.int16) for name in ("a.flac", "b.flac")}
    for name, sound in sounds.items():
        soundfile.write(tmp_path / name, sound, 16_000)
    row = Segment("a.flac", 0.5, 1.0, "a", "", 0.5, 1.0, 0.0)
    rows = [row, replace(row, path="b.flac", start_s=0.0), replace(row, path="b.flac", start_s=1.25, duration_s=0.5)]
    expected = np.concatenate([sounds["a.flac"][8000:24_000], sounds["b.flac"][:16_000], sounds["b.flac"][20_000:28_000]])
    return tmp_path, rows, expected


def test_packing_keeps_every_sample_and_maps_rather_than_loads(data, tmp_path):
    root, rows, expected = data
    told = []
    samples, ends = pack(rows, root, root, lambda *said: told.append(said))
    assert isinstance(samples, np.memmap)
    np.testing.assert_array_equal(samples, expected)
    assert ends.tolist() == [16_000, 32_000, 40_000]
    assert told[-1][:2] == (3, 3)
    assert Crops(samples, ends, CROP, 1, 0).duration_s == 2.5


def test_unchanged_files_are_packed_once_and_changed_ones_again(data):
    root, rows, _ = data
    pack(rows, root, root)
    made = {path: path.stat().st_mtime_ns for path in (root / "packed").iterdir()}
    pack(rows, root, root)
    assert {path: path.stat().st_mtime_ns for path in (root / "packed").iterdir()} == made
    sound = np.zeros(32_000, np.int16)
    soundfile.write(root / "b.flac", sound, 16_000)
    os.utime(root / "b.flac", ns=(1, 1))
    samples, _ = pack(rows, root, root)
    assert not samples[16_000:].any()
    fewer, _ = pack(rows[:1], root, root)
    assert len(fewer) == 16_000


def test_data_that_are_only_read_are_packed_beside_the_runs(data, tmp_path):
    root, rows, expected = data
    (root / "packed").write_bytes(b"")  # in place of a folder in which nothing can be written: root may write in any
    runs = tmp_path / "runs"
    np.testing.assert_array_equal(pack(rows, root, runs)[0], expected)
    (place,) = (runs / "packed").iterdir()
    (root / "packed").unlink()
    (root / "packed").mkdir()
    place.rename(root / "packed" / place.name)
    before = place.parent.stat().st_mtime_ns
    np.testing.assert_array_equal(pack(rows, root, runs)[0], expected)  # what somebody else packed is found
    assert place.parent.stat().st_mtime_ns == before


def test_a_disk_that_is_full_is_met_by_writing_and_not_in_mapped_memory(data, monkeypatch):
    """Which would kill the process."""
    root, rows, expected = data
    mapped = np.memmap

    def read_only(*place, mode, **others):
        assert mode == "r"
        return mapped(*place, mode=mode, **others)

    monkeypatch.setattr(np, "memmap", read_only)
    np.testing.assert_array_equal(pack(rows, root, root)[0], expected)


def test_a_failure_leaves_no_half_packed_sound(data):
    root, rows, _ = data
    with pytest.raises(DataError):
        pack([*rows, replace(rows[0], start_s=1.9)], root, root)
    assert not list((root / "packed").iterdir())


def test_missing_sound_and_empty_manifests_are_told(data):
    root, rows, _ = data
    with pytest.raises(DataError, match="no rows"):
        pack([], root, root)
    with pytest.raises(DataError, match="no rows with sound"):
        pack([replace(rows[0], duration_s=0.0)], root, root)
    with pytest.raises(DataError, match=r"missing\.flac: is missing"):
        pack([replace(rows[0], path="missing.flac")], root, root)


@pytest.mark.parametrize("duration_s", [float("nan"), float("inf")])
def test_a_row_whose_length_is_no_number_is_named(data, duration_s):
    root, rows, _ = data
    with pytest.raises(DataError, match=rf"b\.flac: its row .* lasts {duration_s} s; mend the row"):
        pack([rows[0], replace(rows[1], duration_s=duration_s)], root, root)
