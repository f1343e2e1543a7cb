"""Whether blocks are independent units: shared seeds inside a block, fresh ones in every other."""

import numpy as np
from numpy.typing import ArrayLike

from lrsearch.errors import InputError


def require_independent_units(*, split_seeds: ArrayLike, order_seeds: ArrayLike, init_seeds: ArrayLike) -> None:
    """Raise InputError unless each block has its own split, order and init seeds, the same for all its families.

    Each argument is [blocks, families]. Units that share 5 % of their variance raise the family-wise error from 0.05 to
    about 0.3, and nothing in the scores shows it: only the seeds do.
    """
    for name, given in (("split", split_seeds), ("order", order_seeds), ("init", init_seeds)):
        seeds = np.asarray(given)
        if seeds.ndim != 2:
            raise InputError(f"{name}_seeds must have the axes [blocks, families], but its shape is {seeds.shape}")
        unpaired = np.flatnonzero((seeds != seeds[:, :1]).any(axis=1))
        if unpaired.size:
            raise InputError(
                f"the {name} seed must be the same for all families of a block, but block {unpaired[0]} "
                "has several: its scores are not paired"
            )
        values, counts = np.unique(seeds[:, 0], return_counts=True)
        if (counts > 1).any():
            blocks = np.flatnonzero(seeds[:, 0] == values[counts > 1][0])
            raise InputError(
                f"every block needs its own {name} seed, but blocks {', '.join(map(str, blocks))} share "
                f"{values[counts > 1][0]}: they are not independent units; run them on fresh seeds"
            )
