"""Results made up for tests, with every kind of hole."""

from pathlib import Path

import numpy as np

from telucodec.audio.sound_file import write_audio
from telucodec.evaluation.results import ContenderRow, Made, MetricRow, Results, Sample, TestSetRow, Trial
from telucodec.metrics import SHELF

GOOD = {"snr_db": 17.3, "si_sdr_db": 16.9, "amplitude_percent": 97.0, "correlation": 0.987, "pesq": 3.41, "stoi": 0.951, "visqol": 4.12}
METRICS = tuple(
    MetricRow(name=m.name, label=m.label, unit=m.unit, digits=m.digits, better=m.better, about=m.about) for m in SHELF if m.name in GOOD
)


def trial(
    contender: str = "ours", clip: str = "a", missing: tuple[str, ...] = (), failure: str = "", num_bytes: int = 790, **values
) -> Trial:
    """A clip of one second; a failure leaves holes everywhere."""
    missing = tuple(GOOD) if failure else missing
    measured = {name: None if name in missing else value for name, value in (GOOD | values).items()}
    holes = {name: failure or "not installed: pip install 'telucodec[eval]'" for name in missing}
    coded = {} if failure else {"num_bytes": num_bytes, "encode_s": 0.01, "decode_s": 0.02, "signal_energy": 100.0, "noise_energy": 2.0}
    return Trial(contender=contender, clip=clip, duration_s=1.0, failure=failure, values=measured, holes=holes, **coded)


def results(*trials: Trial, names: tuple[str, ...] = ("ours",), samples: tuple[Sample, ...] = (), test_set: str = "test.csv") -> Results:
    """Contenders called "opus..." are baselines, "original" is what no codec touched, all others have a model."""
    contenders = [
        ContenderRow(name=n, label=n.title(), family=n.partition("_")[0], model="" if n.startswith(("opus", "original")) else "c0ffee")
        for n in names
    ]
    made = Made(command="telucodec evaluate test.csv", date="2001-02-03T04:05:06+00:00", machine={"cpu": "abacus"}, versions={})
    row = TestSetRow(name=test_set, sha256="5ha256", num_clips=len({trial.clip for trial in trials}))
    return Results(made=made, test_set=row, contenders=tuple(contenders), metrics=METRICS, trials=trials, samples=samples)


def sounds(folder: Path, *names: str) -> None:
    """A second of noise at each name below `folder`."""
    for name in names:
        write_audio(folder / name, np.random.default_rng(0).normal(0, 0.1, (1, 16_000)).astype(np.float32), 16_000)
