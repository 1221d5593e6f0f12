"""Plans of runs on real speech, with a codec small enough to probe in a moment."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import soundfile
from lightning_fabric import Fabric

from telucodec.data.manifest import Segment, write_manifest
from telucodec.errors import DataError
from telucodec.models.discriminators.panel import PanelConfig
from telucodec.models.discriminators.period import PeriodDiscriminatorConfig
from telucodec.training.plan import KNOWN, Option, Probe, plan, verdict_on
from telucodec.training.recipe import AdversarialConfig, BatchConfig, RunConfig, preset_of, recipe_of
from telucodec.training.train import Budget
from telucodec.training.trainer import Trainer


@pytest.fixture(scope="module")
def data(tmp_path_factory, telugu):
    root = tmp_path_factory.mktemp("data")
    soundfile.write(root / "one.flac", telugu[0], 16_000)
    duration_s = telugu.shape[-1] / 16_000
    for part in ("train", "val"):
        write_manifest(root / f"{part}.csv", [Segment("one.flac", 0.0, duration_s, "one.flac", "", 0.1, 0.5, 0.0)])
    return root, duration_s


def small(recipe="perceptual", **changes):
    recipe = recipe_of(recipe).model_copy(update={"batches": BatchConfig(batch_size=1, crop_s=0.3), **changes})
    return RunConfig(recipe=recipe, model=preset_of("nano-spectral"))


def planned(root, config, options, **asked):
    return plan(config, root, Fabric(accelerator="cpu", devices=1), options, probe_s=0.1, **asked)


def test_a_length_becomes_updates_sound_heard_time_and_cost_and_nothing_is_left_behind(data):
    root, duration_s = data
    before = sorted(path.name for path in root.rglob("*"))
    options = [Option("a", Budget(updates=1400)), Option("b", Budget(epochs=3000)), Option("c", Budget(minutes=600))]
    found = planned(root, small(), options, price=2.0)
    assert sorted(path.name for path in root.rglob("*")) == before
    counted, heard, timed = found.columns
    assert counted.heard_h == pytest.approx(1400 * found.batch_s / 3600)
    assert counted.verdict.startswith("too small: 1,400 updates")
    assert (heard.passes, heard.updates) == (pytest.approx(3000), pytest.approx(3000 * duration_s / found.batch_s))
    assert timed.wall_s == pytest.approx(36_000)
    assert timed.cost == pytest.approx(20)
    assert found.data_h == pytest.approx(duration_s / 3600)
    assert found.probe.timed_updates >= 5
    encodec = found.known[0]
    assert encodec.wall_s == pytest.approx(found.probe.seconds(encodec.heard_h * 3600 / found.batch_s))


def test_discriminators_are_timed_too_where_they_join_later(data):
    judges = PanelConfig(members=(PeriodDiscriminatorConfig(periods=(5,), width=2),))
    config = small("adversarial", adversarial=AdversarialConfig(discriminators=judges, start_update=3000))
    found = planned(data[0], config, [Option("a", Budget(updates=4000))])
    probe = found.probe
    assert (probe.lead_from, probe.judged_from) == (2500, 3000)
    assert "discriminators join after 3,000 updates and hear 1,000" in found.columns[0].verdict
    assert len({probe.update_s, probe.lead_update_s, probe.judged_update_s}) == 3  # each was timed for itself
    training_s = 2500 * probe.update_s + 500 * probe.lead_update_s + 1000 * probe.judged_update_s
    assert training_s < found.columns[0].wall_s <= 1.1 * training_s + 1e-6


@pytest.mark.parametrize(
    ("start", "lead", "stages"),
    [(3000, 500, (0, 2500, 3000)), (3000, 0, (0, 3000)), (400, 500, (0, 400)), (0, 500, (0,))],
)
def test_discriminators_learn_in_the_stage_that_is_timed_with_them(data, monkeypatch, start, lead, stages):
    timed, teach = {}, Trainer._teach_judges

    def teaching(self, *waves):
        timed.setdefault(max(begin for begin in stages if begin <= self.updates), []).append(self.updates)
        return teach(self, *waves)

    monkeypatch.setattr(Trainer, "_teach_judges", teaching)
    judges = PanelConfig(members=(PeriodDiscriminatorConfig(periods=(5,), width=2),))
    config = small("adversarial", adversarial=AdversarialConfig(discriminators=judges, start_update=start, lead_updates=lead))
    assert config.recipe.stages() == stages
    probe = planned(data[0], config, []).probe
    assert {begin for begin in stages if begin >= start - lead} == timed.keys() and all(min(timed[begin]) == begin for begin in timed)
    assert (probe.lead_from, probe.judged_from) == (stages[1] if len(stages) == 3 else start, start)


def test_first_updates_are_not_timed_and_a_validation_takes_as_long_as_all_its_sounds(tmp_path, telugu, monkeypatch):
    now, updates = [0.0], []
    soundfile.write(tmp_path / "one.flac", telugu[0], 16_000)
    row = Segment("one.flac", 0.0, 1.0, "one.flac", "", 0.1, 0.5, 0.0)
    write_manifest(tmp_path / "train.csv", [row])
    write_manifest(tmp_path / "val.csv", [replace(row, start_s=0.1 * at) for at in range(6)])

    def update(self, batch, progress):
        now[0] += 9.0 if len(updates) < 3 else 2.0
        updates.append(batch)

    def listen(codec, sounds, loss):
        now[0] += len(sounds)

    monkeypatch.setattr("telucodec.training.plan.time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr("telucodec.training.plan.Trainer.update", update)
    monkeypatch.setattr("telucodec.training.plan.listen", listen)
    probe = planned(tmp_path, small(), []).probe
    assert (probe.update_s, probe.timed_updates, probe.validation_s) == (2.0, 5, 6.0)
    assert len(updates) == 8


def test_updates_and_seconds_are_inverses():
    probe = Probe(0.2, lead_update_s=0.5, lead_from=2500, judged_update_s=0.7, judged_from=3000, validation_s=20.0, timed_updates=9)
    for updates in (10, 2501, 2999, 3001, 1e5, 1e6):
        assert probe.updates(probe.seconds(updates)) == pytest.approx(updates)


def test_the_founding_plan_is_too_small_and_a_short_look_at_much_data_is_named():
    assert "1,400" in verdict_on(14 * 100, passes=100)
    assert verdict_on(30_000, passes=0.25) == "hears 25 % of the data once"
    assert verdict_on(30_000, passes=12) == verdict_on(30_000, passes=172) == ""
    assert verdict_on(30_000, passes=3_342).startswith("too little data: hears it 3,342 times")


def test_a_length_in_which_discriminators_hardly_join_is_too_small():
    assert verdict_on(2_500, passes=12, judged_from=3_000).startswith("too small: discriminators join after 3,000 updates and hear 0,")
    assert verdict_on(3_081, passes=12, judged_from=3_000).startswith("too small: discriminators join after 3,000 updates and hear 81,")
    assert verdict_on(4_500, passes=12, judged_from=3_000) == ""


def test_published_lengths():
    assert {known.name: round(known.heard_h) for known in KNOWN} == {"EnCodec": 10_667, "DAC": 3_040, "AudioDec": 1_778}


def test_an_empty_manifest_is_an_error_in_one_line(tmp_path):
    write_manifest(tmp_path / "train.csv", [])
    with pytest.raises(DataError, match="no rows"):
        planned(tmp_path, small(), [])
