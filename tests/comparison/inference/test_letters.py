"""Compact letter displays against the pairwise verdicts that they stand for."""

import itertools

import numpy as np

from lrsearch.comparison.inference.letters import letter_groups, letters


def test_two_share_a_letter_exactly_where_they_are_not_separated():
    """In 1,000 random matrices of separations, of 1 to 9 columns, and no group is another's part or needless."""
    rng = np.random.default_rng(0)
    for _ in range(1000):
        columns, share = int(rng.integers(1, 10)), rng.random()
        upper = np.triu(rng.random((columns, columns)) < share, k=1)
        separated = upper | upper.T
        groups = letter_groups(separated)
        letters_of = [set(column) for column in letters(groups, columns)]
        assert all(letters_of)
        for i, j in itertools.combinations(range(columns), 2):
            assert separated[i, j] != bool(letters_of[i] & letters_of[j])
        assert not any(set(a) <= set(b) for a, b in itertools.permutations(groups, 2))


def test_a_separation_between_neighbours_of_an_inseparable_pair_is_kept():
    """Bars over neighbours could not show it: the outer two are together, and the middle one is separated from one."""
    separated = np.zeros((3, 3), dtype=bool)
    separated[0, 1] = separated[1, 0] = True
    assert ((0, 2), (1, 2)) == letter_groups(separated)
    assert ("a", "b", "ab") == letters(letter_groups(separated), 3)


def test_letters_go_on_beyond_the_alphabet():
    """Fifty-three groups have fifty-three names."""
    groups = tuple((place,) for place in range(53))
    assert ("a", "Z", "a1") == tuple(letters(groups, 53)[place] for place in (0, 51, 52))
