"""The article's claims about four fixed schedules, each as one planned contrast, with Holm over all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lrsearch.comparison.arrays import FloatArray, numbers
from lrsearch.comparison.crosscheck import Alternative, Contrast, holm, planned_contrast
from lrsearch.errors import InputError

# Schedule and base rate; the article prints none at 0.3 against square root at 0.1.
NONE_LOW, NONE_HIGH = "none 0.1", "none 0.3"
ROOT_LOW, ROOT_HIGH = "square_root 0.1", "square_root 0.3"
MULTISTEP, COSINE = "multistep", "cosine"
SCHEDULES = (NONE_LOW, NONE_HIGH, ROOT_LOW, ROOT_HIGH, MULTISTEP, COSINE)
NO_OVERFITTING = 0.02


@dataclass(frozen=True)
class Claim:
    """One claim: its contrast, its p-value adjusted by Holm over all claims, and whether it is shown to hold."""

    text: str
    contrast: Contrast
    p_holm: float
    holds: bool


def log_sd_ratio(first: ArrayLike, second: ArrayLike) -> FloatArray:
    """Return the log ratio [blocks] of the roughness of two curves [blocks, epochs] over the last third of training.

    Roughness is the SD of the differences between successive epochs, over epochs 21-30 of 30; below 0, `first` is the
    smoother one.

    Raises:
        InputError: fewer than 9 epochs, or a curve that does not vary at all.
    """
    a, b = numbers(first, "first", axes="blocks, epochs"), numbers(second, "second", axes="blocks, epochs")
    if a.shape != b.shape or a.shape[1] < 9:
        raise InputError(f"two curves must have the same shape and 9 epochs or more, but have {a.shape} and {b.shape}")
    start = round(a.shape[1] * 2 / 3)
    roughness = [np.diff(curve[:, start:], axis=1).std(axis=1, ddof=1) for curve in (a, b)]
    if not np.all(roughness):
        raise InputError("the smoothness of a curve cannot be compared where it does not vary between epochs")
    return np.asarray(np.log(roughness[0] / roughness[1]), dtype=np.float64)


def overfitting(test_loss: ArrayLike) -> FloatArray:
    """Return the rise of the test loss [blocks] from test_loss[blocks, epochs].

    The mean over epochs 28-30 of 30 minus that over epochs 10-12 (other lengths: the same fractions). Both windows are
    fixed; "minus the minimum" would be above 0 by the noise alone.

    Raises:
        InputError: fewer than 10 epochs.
    """
    loss = numbers(test_loss, "test_loss", axes="blocks, epochs")
    epochs = loss.shape[1]
    if epochs < 10:
        raise InputError(f"over-fitting needs 10 epochs or more, but the curves have {epochs}")
    early = slice(round(0.3 * epochs), round(0.4 * epochs))
    late = slice(epochs - round(0.1 * epochs), epochs)
    return np.asarray(loss[:, late].mean(axis=1) - loss[:, early].mean(axis=1), dtype=np.float64)


def article_claims(
    accuracy: Mapping[str, ArrayLike], test_loss: Mapping[str, ArrayLike], *, alpha: float = 0.05
) -> tuple[Claim, ...]:
    """Return the article's claims from curves accuracy (points) and test_loss, schedule -> [blocks, epochs].

    The schedules are those of `SCHEDULES`; one block is one seed, shared by all of them. Accuracies are read at the
    last epoch. A claim holds where its contrast lies on the claimed side with an adjusted p-value of alpha or less.

    Raises:
        InputError: a schedule is missing, or the curves differ in shape or are too short.
    """
    accuracies, losses = _curves(accuracy, "accuracy"), _curves(test_loss, "test_loss")
    if next(iter(accuracies.values())).shape != next(iter(losses.values())).shape:
        raise InputError("accuracy and test_loss must have the same blocks and epochs")
    final = {name: curve[:, -1] for name, curve in accuracies.items()}
    rise = {name: overfitting(losses[name]) for name in (NONE_HIGH, MULTISTEP, COSINE)}
    shape = ((final[ROOT_LOW] - final[NONE_LOW]) + (final[ROOT_HIGH] - final[NONE_HIGH])) / 2
    smooth = log_sd_ratio(losses[ROOT_LOW], losses[NONE_HIGH])
    planned: list[tuple[str, FloatArray, float, Alternative, int]] = [
        ("square root is better than none, as printed", final[ROOT_LOW] - final[NONE_HIGH], 0.0, "two-sided", 1),
        ("square root is better than none, by its shape", shape, 0.0, "two-sided", 1),
        ("square root is smoother than none, as printed", smooth, 0.0, "two-sided", -1),
        ("multi-step over-fits", rise[MULTISTEP], 0.0, "greater", 1),
        ("multi-step over-fits more than none", rise[MULTISTEP] - rise[NONE_HIGH], 0.0, "two-sided", 1),
        ("cosine does not over-fit", rise[COSINE], NO_OVERFITTING, "less", -1),
        ("cosine is better than none", final[COSINE] - final[NONE_HIGH], 0.0, "two-sided", 1),
        ("cosine is better than square root", final[COSINE] - final[ROOT_LOW], 0.0, "two-sided", 1),
        ("cosine is better than multi-step", final[COSINE] - final[MULTISTEP], 0.0, "two-sided", 1),
    ]
    contrasts = [planned_contrast(d, alpha=alpha, against=at, alternative=side) for _, d, at, side, _ in planned]
    adjusted = holm([contrast.p for contrast in contrasts]).tolist()
    return tuple(
        Claim(text, contrast, p, holds=p <= alpha and sign * (contrast.estimate - at) > 0)
        for (text, _, at, _, sign), contrast, p in zip(planned, contrasts, adjusted, strict=True)
    )


def _curves(given: Mapping[str, ArrayLike], name: str) -> dict[str, FloatArray]:
    """Return the curves of all schedules as arrays of one shape; raise InputError where one is missing or differs."""
    missing = [schedule for schedule in SCHEDULES if schedule not in given]
    if missing:
        raise InputError(f"{name} must hold a curve of each of {SCHEDULES}, but lacks {missing}")
    curves = {schedule: numbers(given[schedule], name, axes="blocks, epochs") for schedule in SCHEDULES}
    if len({curve.shape for curve in curves.values()}) > 1:
        raise InputError(f"all curves of {name} must have the same shape [blocks, epochs]")
    return curves
