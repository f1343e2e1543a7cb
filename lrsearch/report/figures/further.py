"""What runs have reported besides losses and scores, each number by epoch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from lrsearch.records import LearningCurve
from lrsearch.report.curves import band_of, candidate_runs
from lrsearch.report.figures.learning import CONFIRMED, SEARCHED, drawn_band
from lrsearch.report.page import Section
from lrsearch.report.source import Source
from lrsearch.report.style import axis, figure


def further_numbers(source: Source) -> Iterator[Section]:
    """Yield what runs have reported besides, each number of all candidates by epoch."""
    runs, epochs = candidate_runs(source), source.config.epochs
    names = sorted({name for records in runs.values() for record in records for name in record.curve.more})
    for name in names:
        traces = []
        for candidate, records in runs.items():
            reported = band_of(records, epochs, partial(_reported, name))
            traces += drawn_band(np.arange(1.0, epochs + 1), reported, candidate, source.styles[candidate])
        drawn = figure(traces, height=320, xaxis=axis("report"), yaxis=axis(name))
        yield Section(name, (CONFIRMED if source.confirmation else SEARCHED,), drawn)


def _reported(name: str, curve: LearningCurve) -> tuple[float, ...]:
    return curve.more.get(name, ())
