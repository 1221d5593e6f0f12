"""Numbers agree with the words behind them."""

from telucodec.counting import counted


def test_one_thing_is_no_plural():
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert [counted(number, "stretch", "stretches") for number in (1, 2)] == ["1 stretch", "2 stretches"]
