"""The forest plot shows what the comparison holds."""

from lrsearch.comparison import Against
from lrsearch.comparison.settings import Settings
from lrsearch.report.figures.better import better_figure
from lrsearch.report.figures.forest import forest_data, forest_figure, headline
from lrsearch.report.figures.standing import standing_data, standing_figure
from lrsearch.report.style import styles
from tests.report.report_helpers import EVIL, comparison, scores

NAMES = ("constant", "step", "cosine", "rex")


def test_forest_orients_every_pair_by_its_better_mean():
    """Each pair stands once, the better mean first, with the limits of that direction, the largest difference first."""
    compared = comparison(NAMES)
    rows = forest_data(compared)
    assert 6 == len(rows)
    assert sorted((r.difference for r in rows), reverse=True) == [r.difference for r in rows]
    for row in rows:
        i, j = NAMES.index(row.better), NAMES.index(row.worse)
        assert row.difference >= 0
        assert (compared.pairs.difference[i, j], compared.low[i, j], compared.high[i, j]) == (
            row.difference,
            row.low,
            row.high,
        )
        assert compared.pairs.verdict[i, j] == row.verdict


def test_forest_leaves_out_what_was_not_tested():
    """With contrasts against a reference only its pairs are drawn."""
    rows = forest_data(comparison(NAMES, contrasts=Against("constant")))
    assert 3 == len(rows)
    assert all("constant" in (row.better, row.worse) for row in rows)


def test_forest_of_a_failed_family_has_no_row_of_it():
    """A family with a failed run is in no pair, and the table says how many of its runs failed."""
    table = scores(4)
    table[0, 3] = 10.0
    compared = comparison(NAMES, scores=table, chance=10.0)
    assert all("rex" not in (row.better, row.worse) for row in forest_data(compared))
    assert any("1 of 8" in cell for row in compared.family_table().cells for cell in row)
    assert "rex" not in standing_data(compared).names


def test_headline_keeps_the_pairs_with_the_best_mean_where_there_are_many():
    """Of 28 pairs the 7 with the best family are drawn; of 6 all."""
    many = forest_data(comparison([f"f{place}" for place in range(8)]))
    assert {"f7"} == {row.better for row in headline(many)}
    assert 7 == len(headline(many))
    few = forest_data(comparison(NAMES))
    assert few == headline(few)


def test_forest_separates_exactly_where_the_interval_excludes_0():
    """Filled marks are the pairs whose interval lies above 0, and the band reaches the ROPE to both sides."""
    rows = forest_data(comparison(NAMES, scores=scores(4, spread=0.2)))
    drawn = forest_figure(rows, Settings(rope=0.3))
    separated, other = drawn.data
    assert [r.difference for r in rows if r.low > 0] == list(separated.x)
    assert [r.difference for r in rows if r.low <= 0] == list(other.x)
    assert 0 < len(other.x) < len(rows)
    assert (-0.3, 0.3) == (drawn.layout.shapes[0].x0, drawn.layout.shapes[0].x1)


def test_names_are_escaped_in_figures():
    """Plotly reads text as HTML: a name never reaches it with a bare bracket."""
    compared = comparison((EVIL, "b", "c"))
    for drawn in (
        forest_figure(forest_data(compared), compared.settings),
        standing_figure(standing_data(compared), "accuracy", styles(compared.families)),
        better_figure(compared),
    ):
        assert "<script" not in str(drawn.to_plotly_json())
        assert "&lt;script" in str(drawn.to_plotly_json())
