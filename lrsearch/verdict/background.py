"""What the four lines say besides scores: the winner's configuration, the user's own schedules, time and cost."""

from __future__ import annotations

from collections.abc import Sequence

from lrsearch.comparison import Comparison
from lrsearch.comparison.failure import Failure
from lrsearch.comparison.words.answer import Background
from lrsearch.config import StudyConfig
from lrsearch.schedules import FAMILIES, own_optimizer
from lrsearch.storage import StoredStudy, StudyPart
from lrsearch.text import counted, time_in_words
from lrsearch.verdict.winner import candidate_trial, configuration_in_words, one_of

_MEND = "mend what crashed, as lrsearch trials --crashed tells, and confirm under another --study-name"
_LOWER_RATES = "give base_lr a lower upper end in [ranges] and search again, as runs diverged"
_TRAIN_LONGER = "train for more epochs, or let lrsearch doctor look at the workload"


def background_of(study: StoredStudy, comparison: Comparison) -> Background:
    """Return what is known of the candidates of a confirmed study besides their scores."""
    confirmation, searches = study.confirmed(), study.first.attributes.searches
    fixed = {baseline.name for baseline in confirmation.config.baseline}
    configuration = ""
    if comparison.preferred is not None:
        chosen = candidate_trial(study, comparison, comparison.preferred)
        words = [] if chosen is None else [_family(comparison.preferred, chosen[1].schedule.get("family"))]
        words += [] if chosen is None else [configuration_in_words(chosen)]
        words += [] if chosen is None else filter(None, [_another_optimizer(chosen[1].schedule.get("family"))])
        words += [one_of(searches)] if searches > 1 and comparison.preferred not in fixed else []
        configuration = "; ".join(filter(None, words))
    block = comparison.block_seconds or 0.0
    if searches > 1:  # another block is another search
        block += sum(record.seconds or 0.0 for record in study.trials) / searches
    return Background(
        repeats="independent searches" if searches > 1 else "fresh seeds",
        configuration=configuration,
        baselines=tuple(name for name in comparison.families if name in fixed),
        left_out=tuple(confirmation.attributes.left_out),
        block_seconds=block or None,
        advice=what_to_change(comparison.failures),
    )


def what_to_change(failures: Sequence[Failure]) -> str:
    """Return what to do where candidates have failed: by crashing, by diverging, or by learning too little."""
    crashed, diverged = (any(getattr(failure, kind) for failure in failures) for kind in ("crashed", "diverged"))
    learned_nothing = any(failure.runs.count > failure.diverged + failure.crashed for failure in failures)
    lost = [_MEND] * crashed + [_LOWER_RATES] * diverged
    return "; ".join(lost + [_TRAIN_LONGER] * (learned_nothing or not lost))


def other_optimizers(confirmation: StudyPart) -> tuple[str, ...]:
    """Return a warning for each confirmed candidate whose optimizer is not the study's."""
    apart = {run.family: own_optimizer(run.schedule.get("family")) for run in confirmation.runs}
    return tuple(
        f"{name} uses another optimizer, {optimizer}: what sets it apart is not its rates alone"
        for name, optimizer in sorted(apart.items())
        if optimizer
    )


def average_in_words(config: StudyConfig) -> tuple[str, ...]:
    """Return in a sentence of which weights the scores are, where it is not the last."""
    optimizer = config.optimizer
    if config.run is not None or optimizer.average is None:
        return ()
    decay = "searched" if "ema_decay" in optimizer.searched() else f"{optimizer.ema_decay:g}"
    return (f"Scores are of an exponential average of the weights (ema_decay {decay}).",)


def cost_of(study: StoredStudy) -> str:
    """Return how many runs a study has trained, without those added by hand, and their time, summed over processes."""
    parts = [part.runs for part in (study.confirmation, study.audit) if part is not None]
    finished = [*(record for record in study.trials if record.finished), *(run for part in parts for run in part)]
    runs = [run for run in finished if run.seconds is not None]
    seconds = sum(run.seconds or 0.0 for run in runs)
    on_gpu = any(run.device.startswith("cuda") for run in runs)
    gpus = study.config.run.gpus if study.config.run is not None else 0
    where = f" ({gpus * seconds / 3600:.2g} GPU-hours)" if gpus else " on a GPU" if on_gpu else ""
    return f"{counted(len(runs), 'run')}, {time_in_words(seconds)} of training summed over processes{where}"


def _family(candidate: str, family: object) -> str:
    """Return the family of a candidate whose name does not say it."""
    return str(family) if family in FAMILIES and candidate.partition(" #")[0] != family else ""


def _another_optimizer(family: object) -> str:
    return f"uses another optimizer, {optimizer}" if (optimizer := own_optimizer(family)) else ""
