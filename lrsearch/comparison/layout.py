"""Where the results of tested pairs stand in the [columns, columns] arrays of a comparison."""

from dataclasses import dataclass

import numpy as np

from lrsearch.comparison.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Layout:
    """The places, among `count` columns, of those in the test, `alive`, and of the tested pairs (first, second)."""

    count: int
    alive: IntArray
    first: IntArray
    second: IntArray

    def pairs(self, values: FloatArray, mirrored: FloatArray, diagonal: float) -> FloatArray:
        """Return [columns, columns]: `values` [tests] at (first, second), `mirrored` at (second, first), else NaN."""
        matrix = np.full((self.count, self.count), np.nan)
        matrix[self.alive, self.alive] = diagonal
        matrix[self.first, self.second] = values
        matrix[self.second, self.first] = mirrored
        return matrix

    def symmetric(self, values: FloatArray, diagonal: float) -> FloatArray:
        """Return [columns, columns] with `values` [tests] in both directions of each pair."""
        return self.pairs(values, values, diagonal)

    def columns(self, values: FloatArray | IntArray) -> FloatArray:
        """Return [columns] with `values` [alive] in their places and NaN elsewhere."""
        vector = np.full(self.count, np.nan)
        vector[self.alive] = values
        return vector
