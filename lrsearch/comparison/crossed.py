"""What the test images add to the seeds: the crossed seeds x images variance of a mean difference."""

import numpy as np

from lrsearch.comparison.arrays import BoolArray, FloatArray, pairs_of


def image_variance(correct: FloatArray | BoolArray) -> FloatArray:
    """Return what the sampling of images adds to the variance of each mean difference [pairs], in squared points.

    `correct` [blocks, columns, images] says which images a run got right. With seeds and images crossed at random, the
    variance of a mean difference over R blocks and N images is V_seeds + V_images - V_both, each estimated from its own
    mean square (per block mean / R, per image mean / N, residual / RN). V_seeds is what the paired differences have
    anyway; the rest, where positive, is returned.
    Source: Owen (2007), The pigeonhole bootstrap (the variance of a doubly exchangeable mean).
    """
    blocks, columns, images = correct.shape
    first, second = pairs_of(columns)
    products = np.zeros((columns, columns))
    for block in correct:
        right = block.astype(np.float64)
        products += right @ right.T
    by_block = correct.mean(axis=2, dtype=np.float64)
    by_image = correct.mean(axis=0, dtype=np.float64)
    total = products[first, first] + products[second, second] - 2 * products[first, second]
    block_mean = by_block[:, first] - by_block[:, second]
    grand = block_mean.mean(axis=0)
    image_squares = np.array(
        [((by_image[i] - by_image[j]) ** 2).sum() for i, j in zip(first, second, strict=True)], dtype=np.float64
    )
    residual = total - images * (block_mean**2).sum(axis=0) - blocks * image_squares + blocks * images * grand**2
    of_images = (image_squares - images * grand**2) / ((images - 1) * images)
    of_both = residual / ((blocks - 1) * (images - 1) * blocks * images)
    return np.asarray(100.0**2 * np.maximum(of_images - of_both, 0.0), dtype=np.float64)
