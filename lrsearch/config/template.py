"""A study file to start from, with its usual keys explained."""

from __future__ import annotations

import json
from collections.abc import Sequence

_HEAD = """\
# Which learning-rate schedule? Every key may be left out.
#
#   lrsearch plan {file}        what it would detect, and how long it takes here
#   lrsearch optimize {file}    search
#   lrsearch confirm {file}     the winners on fresh seeds
#   lrsearch compare --study-name {name}    the verdict

name = {name}
description = ""
"""

_OWN = """
# A function of yours that returns a lrsearch.Workload: model, data, loss and metric.
workload = {workload}
"""

_DIGITS = """
# To train your own model instead: workload = "package.module:function", without the table [data].

[data]
dataset = "digits"  # or fashion-mnist, mnist, kmnist, which are downloaded
"""

_REST = """
[training]
epochs = 10

[optimizer]
name = "sgd"  # or adam, adamw
momentum = 0.9

[search]
# `lrsearch families` describes them. A second dozen of trials for each family finds better rates than the first.
families = ["constant", "linear", "cosine", "warmup_stable_decay"]
trials = 48

[plan]
# Decided before anything runs, and fixed then.
rope = {rope}  # the difference that would not matter to you, {unit}
blocks = 12  # fresh seeds for each winner; `lrsearch plan` says what they detect

# What you use now, to see whether anything beats it:
#
# [[baseline]]
# name = "mine"
# family = "cosine"
# base_lr = 0.1
# final_lr = 0.0
# warmup_steps = 100
"""


def study_template(file: str, name: str, workload: str | None = None) -> str:
    """Return the text of a study file.

    Args:
        file: what it will be called, for the commands in its comments.
        name: of the study.
        workload: "package.module:function"; digits with the built-in network if None.
    """
    trained = _DIGITS if workload is None else _OWN.format(workload=json.dumps(workload))
    rope, unit = (1.0, "in points of accuracy") if workload is None else (0.3, "in points, or the metric's own unit")
    return _HEAD.format(file=file, name=json.dumps(name)) + trained + _REST.format(rope=rope, unit=unit)


_TRY = """
# `lrsearch doctor --training {training}` tells whether it repeats, uses its seeds and its schedule, and resumes.
"""
_NO_TEST_SET = "where there is no second held-out set beside the validation set"
_NEVER_ASKS = "as it never asks for run.evaluation_set, which is `test` at the end of a confirming run"
_RUN = """\
{head}[run]
{trained}
metric = "{metric}"  # a guess: what run.report is given
direction = "{direction}"  # a guess{scores}
total_steps = {total_steps}  # {length}
reports = {reports}
{test}
[search]
# `lrsearch families` describes them. All 13 would be 260 runs: right for seconds, not for hours.
families = ["constant", "linear", "cosine", "warmup_stable_decay"]
trials = 32

[ranges]
base_lr = {{ low = {low:.3g}, high = {high:.3g}, log = true }}  # {rate}
{parameters}
[plan]
# Decided before anything runs, and fixed then.
{rope}
blocks = 12  # fresh seeds for each winner; `lrsearch plan` says what they detect

# What you use now, to see whether anything beats it; rates.csv has the rate of each update, one a line:
#
# [[baseline]]
# name = "now"
# rates = "rates.csv"  # or family = "cosine", base_lr = {own:.3g}
{values}"""


def run_template(
    file: str,
    name: str,
    *,
    trained: str | Sequence[str],
    total_steps: int,
    reports: int,
    length: str,
    direction: str,
    scores: Sequence[float],
    base_lr: float,
    rate: str,
    parameters: Sequence[str] = (),
    asks_set: bool = True,
) -> str:
    """Return the text of a study file for a training function or a command.

    Args:
        file, name: as for `study_template`.
        trained: the function, "package.module:function", or the words of the command.
        total_steps, reports: of a run.
        length: where its length comes from, in words.
        direction: of its score.
        scores: the first ones; none where it was not run.
        base_lr: its own rate; a tenth and ten times of it are searched.
        rate: where that comes from, in words.
        parameters: what it asks for beside the schedule.
        asks_set: whether it asks for `run.evaluation_set`, as one with a test set does.
    """
    accuracy = direction == "maximize" and bool(scores) and all(0 <= score <= 1 for score in scores)
    metric = "accuracy" if accuracy else "loss" if direction == "minimize" else "score"
    searched = [
        f"{asked} = {{ low = 1e-3, high = 0.1, log = true }}  # it asks for it: say its range" for asked in parameters
    ]
    rope = "# rope = 0.01  # the difference that would not matter to you, in the unit of the metric"
    return _HEAD.format(file=file, name=json.dumps(name)) + _RUN.format(
        head=_TRY.format(training=trained) if isinstance(trained, str) else "\n",
        trained=f"training = {json.dumps(trained)}"
        if isinstance(trained, str)
        else f"command = {json.dumps(list(trained))}",
        metric=metric,
        direction=direction,
        scores=f", by the first scores: {', '.join(f'{score:.4g}' for score in scores[:3])}" if scores else "",
        total_steps=total_steps,
        length=length,
        reports=reports,
        test=f"{'# ' * asks_set}test = false  # {_NO_TEST_SET if asks_set else _NEVER_ASKS}\n",
        low=base_lr / 10,
        high=base_lr * 10,
        rate=rate,
        own=base_lr,
        values=f"# parameters = {{ {', '.join(f'{asked} = 0.01' for asked in parameters)} }}\n" if parameters else "",
        parameters="\n".join(["", "[parameters]", *searched, ""]) if searched else "",
        rope="rope = 0.5  # the difference that would not matter to you, in points" if accuracy else rope,
    )
