"""The shelf of metrics, in the order tables print them. A new one is a file with a `METRIC` and its line here."""

from telucodec.metrics import amplitude, correlation, pesq, si_sdr, snr, stoi, visqol

SHELF = (snr.METRIC, si_sdr.METRIC, amplitude.METRIC, correlation.METRIC, pesq.METRIC, stoi.METRIC, visqol.METRIC)
METRICS = {metric.name: metric for metric in SHELF}
