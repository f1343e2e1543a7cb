"""What a study would try, before any training: sampled schedules of every family, and its fixed ones by name."""

from __future__ import annotations

from dataclasses import replace

from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.experiment.space import FAMILY, Space, study_space
from lrsearch.report.figures.schedules import Sample, curves_figure, samples_table
from lrsearch.report.page import Page, Part, Section, render
from lrsearch.report.rates import RateCurve, rate_curve
from lrsearch.report.style import styles
from lrsearch.schedules import FAMILIES, AnySchedule, PerEpoch, Schedule, describe_family
from lrsearch.tables import Table, table
from lrsearch.text import counted

_SAMPLES = 5
_TRAINING_EXAMPLES = {"fashion-mnist": 60_000, "mnist": 60_000, "kmnist": 60_000, "digits": 1_499}
_BATCH_SIZE = 128
_NOMINAL_STEPS_PER_EPOCH = 100


def preview_html(config: StudyConfig) -> str:
    """Return the page of a study's curves, without loading its data or its workload."""
    steps_per_epoch, origin = nominal_steps_per_epoch(config)
    space = study_space(config, steps_per_epoch)
    fixed = baseline_samples(config, steps_per_epoch)
    length = f"{counted(config.epochs, 'epoch')} of {counted(steps_per_epoch, 'update')}"
    lead = (
        f"{counted(len(space.families), 'family')} over {length} ({origin}).",
        f"Of each family {_SAMPLES} schedules, drawn at random from this study's ranges with its seed. "
        "A search draws others; nothing was trained for this page.",
    )
    parts = [
        Part("Families", tuple(_family_section(config, space, family) for family in space.families), grid=True),
    ]
    if fixed:
        parts.insert(0, Part("Fixed schedules of this study", (_baseline_section(fixed),)))
    return render(Page(config.name, "Learning-rate schedules of the study", (*_described(config), *lead), tuple(parts)))


def schedule_preview_html(name: str, schedule: AnySchedule, *, epochs: int) -> str:
    """Return the page of one schedule over its run, such as an exported configuration's."""
    curve = rate_curve(schedule, epochs=epochs, select_loss=[1.0] * epochs)
    sample = Sample(schedule.family, schedule.params(), curve)
    lead = (f"{schedule.family} over {counted(epochs, 'epoch')}; nothing was trained for this page.",)
    return render(Page(name, "Learning-rate schedule", lead, (Part("Schedule", (_baseline_section([sample]),)),)))


def nominal_steps_per_epoch(config: StudyConfig) -> tuple[int, str]:
    """Return the updates of one epoch and where that number comes from; no data is loaded for it."""
    if config.data.dataset is None:
        return _NOMINAL_STEPS_PER_EPOCH, "a nominal number: this workload's data is not loaded for a preview"
    examples = _TRAINING_EXAMPLES[config.data.dataset]
    held_out = 0 if config.data.train == "all" else 2 * (examples // 12)
    batch_size = config.training.batch_size or _BATCH_SIZE
    steps = (examples - held_out) // batch_size
    if steps == 0:
        raise InputError(f"batch_size must be at most the {examples - held_out} examples to fit, got {batch_size}")
    return steps, f"{examples - held_out:,} examples of {config.data.dataset} in batches of {batch_size}"


def family_samples(config: StudyConfig, space: Space, family: str) -> list[Sample]:
    """Return a few schedules of a family, drawn at random with the study's seed.

    A schedule that reads the validation loss is shown for a loss that never falls after the first epoch.
    """
    samples = []
    for place, drawn in enumerate(space.drawn(family, _SAMPLES, seed=config.seed), start=1):
        schedule: AnySchedule = space.schedule({FAMILY: family, **drawn})
        if config.training.interval == "epoch" and isinstance(schedule, Schedule):
            schedule = PerEpoch(schedule)
        samples.append(Sample(f"{family} {place}", drawn, _curve(config, schedule)))
    return samples


def baseline_samples(config: StudyConfig, steps_per_epoch: int) -> list[Sample]:
    """Return the study file's fixed schedules under their names.

    A table of one rate for each step is shown as it is where the number of steps is a nominal one.
    """
    samples = []
    for baseline in config.baseline:
        nominal = config.data.dataset is None and not baseline.epochs
        run = {"epochs": config.epochs, "steps_per_epoch": steps_per_epoch}
        if nominal and baseline.table_steps:
            run = {"epochs": baseline.table_steps, "steps_per_epoch": 1}
        try:
            schedule = baseline.schedule(**run)
        except InputError as error:
            raise InputError(f"baseline {baseline.name!r}: {error}") from error
        samples.append(Sample(baseline.name, schedule.params(), _curve(config, schedule)))
    return samples


def _curve(config: StudyConfig, schedule: AnySchedule) -> RateCurve:
    return rate_curve(schedule, epochs=config.epochs, select_loss=[1.0] * config.epochs)


def _described(config: StudyConfig) -> tuple[str, ...]:
    return (config.description,) if config.description else ()


def _family_section(config: StudyConfig, space: Space, family: str) -> Section:
    samples = family_samples(config, space, family)
    described = describe_family(family)
    styled = dict.fromkeys((sample.name for sample in samples), replace(styles([family])[family], dash="solid"))
    sentences = [f"base_lr × {described.formula}"]
    if FAMILIES[family].reads_metric:
        drawn_for = "Drawn for a validation loss that never falls after the first epoch: the earliest possible drops."
        sentences = [described.formula, drawn_for]
    drawn = curves_figure(samples, styled, height=260, legend=False)
    return Section(family, tuple(sentences), drawn, (_parameter_table(samples), _range_table(space, family)))


def _parameter_table(samples: list[Sample]) -> Table:
    names = list(samples[0].parameters)
    rows = [[place, *(sample.parameters[name] for name in names)] for place, sample in enumerate(samples, start=1)]
    return table(["#", *names], rows, title="The schedules drawn above")


def _range_table(space: Space, family: str) -> Table:
    rows = []
    for name, bounds in space.to_json()["families"][family].items():
        if "choices" in bounds:
            rows.append([name, "one of " + ", ".join(map(str, bounds["choices"])), ""])
        else:
            kind = ", ".join(word for word in ("integer", "log") if bounds[word])
            rows.append([name, f"{bounds['low']:g} to {bounds['high']:g}", kind])
    return table(["parameter", "range", "scale"], rows, title="Where they are drawn from (steps are updates)")


def _baseline_section(samples: list[Sample]) -> Section:
    names = [sample.name for sample in samples]
    return Section(
        "Rates by epoch",
        (),
        curves_figure(samples, styles(names), height=420, legend=True),
        (samples_table(samples),),
    )
