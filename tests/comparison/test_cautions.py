"""What a reader is warned of."""

import numpy as np
import pytest

from lrsearch.comparison import Against, compare_scores
from lrsearch.comparison.cautions import skewed_differences
from lrsearch.comparison.settings import Settings
from lrsearch.errors import InputError


def compare(scores, families=("a", "b"), **options):
    return compare_scores(scores, families, rope=0.3, rng=np.random.default_rng(0), **options)


def normal(blocks=12, seed=0):
    return 90 + np.random.default_rng(seed).normal(0, 0.3, (blocks, 2))


def test_fractions_are_warned_about_where_points_are_meant():
    """The scores are taken as they are, and nothing is said of what matters; in another unit there is no warning."""
    compared = compare(normal() / 100)
    (warning,) = compared.warnings
    assert compared.lines[2].startswith("Does it matter: not known, as all scores are from 0 to 1")
    assert "all scores are from 0 to 1 and are read as points: multiply fractions by 100" == warning
    assert () == compare(normal() / 100, unit="BLEU").warnings


def test_skewed_differences_are_warned_about_where_there_are_two_families():
    """Flipping signs takes differences as symmetric; exponential ones are not."""
    skewed = normal()
    skewed[:, 0] += np.random.default_rng(1).exponential(3.0, 12) - 20.0
    (warning,) = compare(skewed).warnings
    assert warning.startswith("the differences are skewed (skewness +")
    assert () == compare(normal()).warnings
    assert () == compare(np.column_stack([skewed, normal()[:, :1]]), ("a", "b", "c")).warnings


@pytest.mark.parametrize("blocks", [6, 10, 30])
def test_the_warning_of_skewness_is_rare_without_any(blocks):
    """Under normal noise one comparison in twenty is warned about, at any number of blocks."""
    rng = np.random.default_rng(blocks)
    settings = Settings(rope=0.3)
    warned = sum(any(skewed_differences(rng.normal(90, 0.3, (blocks, 2)), settings)) for _ in range(600))
    assert 12 <= warned <= 50


def test_a_far_run_of_a_loss_lies_above():
    """Worse follows the direction: a loss far above its family's is named, one far below is not."""
    high, low = normal(), normal()
    high[4, 1], low[4, 1] = 200.0, 1.0
    loss = {"direction": "minimize", "unit": "nats"}
    assert "the run of b in block 4 scores 200" in compare(high, **loss).warnings[0]
    assert not any("far worse" in w for w in compare(low, **loss).warnings)


def test_names_may_be_numbers():
    """They are shown by their text, in contrasts too; an empty one is refused."""
    compared = compare(normal(), (128, 256), contrasts=Against(128))
    assert ("128", "256") == compared.families
    with pytest.raises(InputError, match="families must not be empty names"):
        compare(normal(), ("a", " "))


def test_differences_that_are_equal_but_for_rounding_are_not_skewed(recwarn):
    """Their skewness is that of the rounding alone, and nobody is to read of it."""
    scores = np.array([[3.21 + 0.01 * block, 3.41 + 0.01 * block] for block in range(12)])
    assert () == tuple(skewed_differences(scores, Settings(rope=0.3)))
    assert not recwarn.list
