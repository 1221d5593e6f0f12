"""What is kept exceeds every threshold; what is not says by how much, and what to do."""

from dataclasses import replace

import pytest

from telucodec.data.filter import FilterConfig, reasons_against, sift
from telucodec.data.manifest import Segment

GOOD = Segment("audio/a.wav.flac", 4.0, 3.0, "a.wav", "", rms=0.05, peak=0.5, clipped_share=0.0)


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"duration_s": 0.99}, "too short: 0.99 s, needs 1 s"),
        ({"peak": 0.004}, "too quiet: peak 0.004, needs more than 0.01: raise the gain or leave it out"),
        ({"peak": 0.01}, "too quiet"),
        ({"rms": 0.001}, "mostly silent: RMS 0.001, needs more than 0.001"),
        ({"clipped_share": 0.023}, "clipped: 2.3 % of samples at full scale, at most 1 %"),
        ({"rms": float("nan")}, "mostly silent: RMS nan"),
    ],
)
def test_each_fault_is_told_with_its_measure_and_threshold(change, reason):
    kept, (rejection,) = sift([replace(GOOD, **change)])
    assert not kept
    (told,) = rejection.reasons
    assert told.startswith(reason)
    assert str(rejection).startswith("a.wav, 4.0 to ")


def test_good_segments_at_the_edge_are_kept_in_order():
    rows = [GOOD, replace(GOOD, duration_s=1.0), replace(GOOD, rms=0.00101, peak=0.0101), replace(GOOD, clipped_share=0.01)]
    assert sift(rows) == (rows, [])


def test_all_faults_are_told():
    assert len(reasons_against(replace(GOOD, duration_s=0.1, rms=0.0, peak=0.0))) == 3


def test_thresholds_can_be_moved():
    assert reasons_against(GOOD, FilterConfig(min_duration_s=5.0))
    assert not reasons_against(replace(GOOD, peak=0.004), FilterConfig(min_peak=0.003))
