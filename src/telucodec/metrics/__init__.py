"""The shelf of metrics, in the order tables print them. A new one is a file with a `METRIC` and its line here."""

from telucodec.metrics import (
    amplitude,
    correlation,
    dnsmos,
    estoi,
    f0_error,
    mel_distance,
    pesq,
    si_sdr,
    snr,
    speaker_similarity,
    stoi,
    visqol,
    voicing_error,
)

SHELF = (
    snr.METRIC,
    si_sdr.METRIC,
    amplitude.METRIC,
    correlation.METRIC,
    pesq.METRIC,
    stoi.METRIC,
    estoi.METRIC,
    visqol.METRIC,
    dnsmos.METRIC,
    mel_distance.METRIC,
    f0_error.METRIC,
    voicing_error.METRIC,
    speaker_similarity.METRIC,
)
METRICS = {metric.name: metric for metric in SHELF}
