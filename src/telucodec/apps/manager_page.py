"""The first page of the report: what a manager should know, in plain sentences, of measured numbers only, and what nobody knows yet.

Sentences are in templates/report_words.json, in every language that there is; numbers are put into them here.
"""

import itertools
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import get_args

from telucodec.apps.build_record import SHIPPED, BuildRecord
from telucodec.apps.page import TEMPLATES
from telucodec.apps.plan_record import PlanRecord
from telucodec.apps.table import number, summaries
from telucodec.apps.verdicts import SNR_DB, Status, Verdict, duration
from telucodec.evaluation.judge import UNTOUCHED
from telucodec.evaluation.results import ContenderRow, Results
from telucodec.evaluation.summary import PCM_KBPS, Summary

WORDS = TEMPLATES / "report_words.json"
FEW_CLIPS = 20
"""With fewer, one odd clip moves the mean."""

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
MB_PER_HOUR = 3600 / 8 / 1000
"""Of one kbps."""


@dataclass(frozen=True)
class ManagerPage:
    """The page in one language."""

    language: str
    words: dict[str, str]
    """Headings, criteria and verdicts, by their English names."""
    decision: str
    sentences: tuple[tuple[str, str], ...]
    """What holds the numbers of each (results, build, plan), and the sentence."""
    limits: tuple[str, ...]
    """What cannot be told from these numbers."""

    def in_words(self, told: str) -> str:
        """What a verdict tells, in the language of the page, numbers as they are; empty where there are no words for it."""
        numbers = NUMBER.findall(told)
        places = itertools.count()
        pattern = NUMBER.sub(lambda number: f"{{{next(places)}}}", told)
        return self.words.get(told) or self.words.get(pattern, "").format(*numbers)


def languages() -> list[str]:
    """Those that there are words in."""
    return list(json.loads(WORDS.read_text("utf-8")))


def manager_page(
    results: Results,
    chosen: ContenderRow | None,
    verdicts: Sequence[Verdict],
    build: BuildRecord,
    plan: PlanRecord | None,
    language: str,
) -> ManagerPage:
    """The first page in `language`, one of `languages`."""
    words = json.loads(WORDS.read_text("utf-8"))[language]
    sentences = [("results", _tried(results, words))]
    if build.data.get("model") == SHIPPED:
        sentences.append(("build", words["shipped"]))
    sentences += [("results", told) for told in (_of_codec(results, chosen, words) if chosen else [words["no_model"]])]
    if build.seconds:
        sentences.append(("build", words["took"].format(time=duration(build.spent_s()))))
    if plan and plan.columns:
        told = [words["option"].format(name=c.name, time=duration(c.wall_s)) for c in plan.columns]
        sentences.append(("plan", words["ways"].format(options="; ".join(told))))
    limits = tuple(_limits(results, chosen, verdicts, build, words))
    return ManagerPage(language, words, _decision(verdicts, words), tuple(sentences), limits)


def _decision(verdicts: Sequence[Verdict], words: dict[str, str]) -> str:
    """What was not measured stands in its way; what nobody set a limit to does not."""
    by_status = {status: [words[v.criterion] for v in verdicts if v.status == status] for status in get_args(Status)}
    passed, failed, unmeasured, unlimited = map(len, by_status.values())
    counts = words["counts"].format(passed=passed, failed=failed, open=unmeasured, unlimited=unlimited, total=len(verdicts))
    if by_status["FAIL"]:
        return f"{words['not_yet'].format(names=', '.join(by_status['FAIL']))} {counts}"
    if by_status["NOT MEASURED"]:
        return f"{words['undecided'].format(names=', '.join(by_status['NOT MEASURED']))} {counts}"
    return f"{words['go_on']} {counts}"


def _tried(results: Results, words: dict[str, str]) -> str:
    seconds: dict[str, float] = {}
    for trial in results.trials:  # one whose process died knows of no duration
        seconds[trial.clip] = max(trial.duration_s, seconds.get(trial.clip, 0.0))
    return words["tried"].format(clips=results.test_set.num_clips, name=results.test_set.name, time=duration(math.fsum(seconds.values())))


def _of_codec(results: Results, chosen: ContenderRow, words: dict[str, str]) -> list[str]:
    summary = summaries(results)[chosen.name]
    good = summary.num_clips - summary.num_failed
    sentences = [words["came_back" if good == summary.num_clips else "failed"].format(good=good, clips=summary.num_clips)]
    if summary.kbps > 0:
        small, large = (number(kbps * MB_PER_HOUR, 1).text for kbps in (summary.kbps, PCM_KBPS))
        ratio = number(summary.ratio, 1).text
        sentences.append(words["smaller"].format(setting=chosen.label, ratio=ratio, small=small, large=large))
    if math.isfinite(summary.pooled_snr.value):
        sentences.append(words["snr"].format(snr=number(summary.pooled_snr.value, 1).text, asked=f"{SNR_DB:g}"))
    heard = {name: summary.spreads[name] for name in ("pesq", "stoi") if name in summary.spreads}
    if len(heard) == 2 and all(spread.num_measured for spread in heard.values()):
        pesq, stoi = (number(heard[name].mean, 2).text for name in ("pesq", "stoi"))
        sentences.append(words["predicted"].format(pesq=pesq, stoi=stoi))
    else:
        sentences.append(words["not_predicted"])
    return [*sentences, *_beside(results, chosen, summary, words)]


def _beside(results: Results, chosen: ContenderRow, summary: Summary, words: dict[str, str]) -> list[str]:
    """The baseline next in rate, on the clips where both have a PESQ."""
    found = summaries(results)
    peers = [row for row in results.contenders if not row.model and row.name != UNTOUCHED and found[row.name].kbps > 0]
    if not peers or not summary.kbps > 0:
        return [words["no_peer"]]
    peer = min(peers, key=lambda row: abs(math.log(found[row.name].kbps / summary.kbps)))
    ours, theirs = ({t.clip: t.values["pesq"] for t in results.of(row.name) if t.values.get("pesq") is not None} for row in (chosen, peer))
    both = ours.keys() & theirs.keys()
    if not both:
        return [words["no_peer"]]
    mine, other = (number(fmean(values[clip] for clip in both), 2).text for values in (ours, theirs))
    kbps, peer_kbps = (number(found[row.name].kbps, 1).text for row in (chosen, peer))
    return [words["peer"].format(peer=peer.label, peer_kbps=peer_kbps, theirs=other, kbps=kbps, ours=mine, clips=len(both))]


def _limits(
    results: Results, chosen: ContenderRow | None, verdicts: Sequence[Verdict], build: BuildRecord, words: dict[str, str]
) -> list[str]:
    limits = [words["nobody_listened"]]
    if unknown := [words[v.criterion] for v in verdicts if v.status in ("NOT MEASURED", "NO LIMIT")]:
        limits.append(words["unknown"].format(names=", ".join(unknown)))
    if results.test_set.num_clips < FEW_CLIPS:
        limits.append(words["few_clips"].format(clips=results.test_set.num_clips))
    num_groups = len({trial.group for trial in results.trials if trial.group})
    limits.append(words["groups" if num_groups > 1 else "one_group"].format(groups=num_groups))
    if build.leaks is None:
        limits.append(words["leaks_unknown"])
    elif build.leaks:
        limits.append(words["leaks"])
    if chosen and (unmeasured := _unmeasured(results, chosen)):
        limits.append(words["holes"].format(metrics=", ".join(unmeasured)))
    return limits


def _unmeasured(results: Results, chosen: ContenderRow) -> list[str]:
    """Metrics that miss on some clips of the setting."""
    summary = summaries(results)[chosen.name]
    return [metric.label for metric in results.metrics if summary.spreads[metric.name].num_measured < summary.num_clips]
