"""A study file to start from, with its usual keys explained."""

from __future__ import annotations

import json

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
