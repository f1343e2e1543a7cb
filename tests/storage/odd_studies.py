"""Studies of any kind: trials of every state, with odd values and attributes."""

import random

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

FAMILIES = ("cosine", "linear", "rex")
ODD = (None, "", 0, 3, -1, 2.5, "x", [1], {"a": 1}, float("nan"), float("inf"), True)


def fill(storage, *, seed: int, trials: int = 15) -> None:
    """Make two searches, a confirmation and a study of other people, with trials of every state and odd attributes."""
    draw = random.Random(seed)
    for name in ("a/search-00", "a/search-01", "a/confirm", "b"):
        study = optuna.create_study(study_name=name, storage=storage, direction=draw.choice(("maximize", "minimize")))
        offered = draw.choice((FAMILIES, FAMILIES[::-1], (*FAMILIES, "other")))
        study.add_trials([_trial(draw, offered) for _ in range(trials)])
        for _ in range(2):
            study.ask()
        study.enqueue_trial({"x": 1.0})
    optuna.create_study(study_name="empty", storage=storage)


def _trial(draw: random.Random, offered: tuple[str, ...]):
    state = draw.choice([TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL])
    params, distributions = {}, {}
    if draw.random() < 0.8:
        params["family"], distributions["family"] = draw.choice(offered), CategoricalDistribution(offered)
    if draw.random() < 0.8:
        params["base_lr"], distributions["base_lr"] = draw.uniform(0.1, 1), FloatDistribution(0.1, 1)
    keys = ("entry", "seconds", "stop_reason", "block", "schedule", "worker", "curve")
    attributes = {key: draw.choice((*ODD, "cosine", "plain")) for key in keys if draw.random() < 0.5}
    value = draw.choice([draw.random(), -draw.random(), 0.0, float("inf"), float("-inf"), 1e200, 1e100])
    reported = {step: draw.choice([draw.random(), float("nan"), float("inf")]) for step in range(draw.randrange(4))}
    return create_trial(
        state=state,
        value=None if state == TrialState.FAIL else value,
        params=params,
        distributions=distributions,
        user_attrs=attributes,
        intermediate_values=reported,
    )
