"""Tables of scores of any origin: read strictly, and judged by the direction, metric and unit that are given."""

import numpy as np
import pytest

from lrsearch.errors import InputError
from lrsearch.verdict.scores_csv import compare_table
from tests.confirmation_examples import noisy

SCORES = {"constant": noisy(89.0, 10), "cosine": noisy(91.0, 10)}


def _table(folder, text: str, **options):
    (folder / "scores.csv").write_text(text)
    return compare_table(folder / "scores.csv", **({"rope": 0.3} | options))


def _lines(scores) -> str:
    return "\n".join(
        ["block,family,score", *(f"{b},{n},{v}" for n, values in scores.items() for b, v in enumerate(values))]
    )


def test_a_table_of_scores_is_compared_in_any_order_of_its_rows(folder) -> None:
    """Rows may come by block or by family, with further columns."""
    rows = [f"{b},{n},{values[b]},x" for n, values in SCORES.items() for b in range(10)]
    compared = _table(folder, "\n".join(["block,family,score,note", *rows]))
    again = _table(folder, "\n".join(["block,family,score,note", *sorted(rows)]))
    assert (10, ("constant", "cosine")) == (compared.blocks, compared.families)
    np.testing.assert_array_equal(compared.means.mean, again.means.mean)
    assert ("cosine",) == compared.recommended


WRONG_TABLES = {
    "block,family\n0,cosine": "columns block, family, score",
    "": "columns block, family, score",
    "block,family,score,score\n0,cosine,90,91": "columns block, family, score, each of them once",
    "block,family,score\n": "no line below its columns",
    "block,family,score\n0,cosine,90,91": "line 2: it has 4 cells, and the header has 3",
    "block,family,score\n\n0,cosine,88,2": "line 3: it has 4 cells, and the header has 3; write 88.2, not 88,2",
    "block,family,score\n0,,90": "line 2: the family is empty",
    "block,family,score\n , cosine, 90": "line 2: the block is empty",
    "block;family;score\n0;cosine;90": "each of them once; its cells are separated by semicolons: use commas",
    "block\tfamily\tscore\n0\tcosine\t90": "separated by tabs: use commas",
    "block,family,score\n0,cosine,nan": "line 2: score must be a finite number, got 'nan': give a run that diverged",
    "block,family,score\n0,cosine,90\n0,cosine,91": "line 3: block 0 and family cosine stand twice",
    "block,family,score\n0,cosine,high": "line 2: score must be a number, got 'high'",
    "block,family,score\n0,cosine": "line 2: it has 2 cells, and the header has 3",
    "block,family,score\n0,cosine,90\n1,linear,91": "family linear has no score in block 0",
}


@pytest.mark.parametrize(("text", "complaint"), WRONG_TABLES.items())
def test_a_wrong_table_is_refused_with_its_line(folder, text, complaint) -> None:
    """The error names the file, the line and what is wrong there."""
    with pytest.raises(InputError) as caught:
        _table(folder, text)
    assert complaint in str(caught.value)
    assert "scores.csv" in str(caught.value)


def test_a_missing_table_is_refused(folder) -> None:
    """Its path is named."""
    with pytest.raises(InputError, match=r"none.csv cannot be read"):
        compare_table(folder / "none.csv", rope=0.3, alpha=0.05, seed=0)


LOSSES = {"cosine": noisy(3.2, 10, sd=0.01), "constant": noisy(3.4, 10, sd=0.01)}


def test_blanks_around_cells_do_not_matter(folder) -> None:
    """Names and numbers are what stands between the blanks."""
    plain = _table(folder, _lines(SCORES))
    spaced = _table(folder, _lines(SCORES).replace(",", " , "))
    assert (plain.families, plain.verdict_text) == (spaced.families, spaced.verdict_text)


def test_the_direction_the_metric_and_the_unit_are_given(folder, run) -> None:
    """Of losses the lowest is recommended, and every sentence speaks of them in their unit."""
    given = {"direction": "minimize", "metric": "validation loss", "unit": "nats", "rope": 0.05}
    compared = _table(folder, _lines(LOSSES), **given)
    assert ("cosine",) == compared.recommended
    assert "measured by validation loss" in compared.verdict_text
    assert "cosine is better than constant by 0.1997 nats (" in compared.verdict_text
    assert "points" not in compared.verdict_text + compared.note
    assert compared.means.mean[0] == pytest.approx(np.mean(LOSSES["cosine"]))
    flags = ["--direction", "minimize", "--metric", "validation loss", "--unit", "nats", "--rope", "0.05"]
    assert compared.verdict_text in run("compare", "--scores", "scores.csv", *flags).out


@pytest.mark.parametrize("options", [{"direction": "minimize"}, {"unit": "BLEU"}])
def test_scores_that_are_no_points_need_a_rope(folder, options) -> None:
    """0.3 is a default for points alone."""
    unit = options.get("unit", "units")
    with pytest.raises(InputError, match=rf"rope \(--rope\) must be given for scores in {unit}"):
        _table(folder, _lines(LOSSES), rope=None, **options)
    assert 0.3 == _table(folder, _lines(SCORES), rope=None).settings.rope


def test_a_run_far_below_its_family_is_named_and_kept_unless_a_limit_is_given(folder) -> None:
    """Without a limit nothing says that it failed; with one its family is neither tested nor recommended."""
    fallen = {**SCORES, "cosine": [*SCORES["cosine"][:9], 10.0]}
    compared = _table(folder, _lines(fallen))
    (warning,) = [w for w in compared.warnings if "far worse" in w]
    assert warning.startswith("the run of cosine in block 9 scores 10.00, far worse than its family's median 9")
    assert "--failed-at" in warning
    assert () == compared.failures
    excluded = _table(folder, _lines(fallen), failed_at=50.0)
    assert ("constant",) == excluded.recommended
    assert "1 of 10 runs of cosine failed" in excluded.verdict_text
    assert "worse than 50.00 counts as failed" in excluded.verdict_text
    assert not any("far worse" in w for w in excluded.warnings + _table(folder, _lines(SCORES)).warnings)


@pytest.mark.parametrize("flag", ["--rope", "--alpha", "--failed-at"])
def test_a_study_is_judged_by_its_own_plan(folder, run, flag) -> None:
    """What is fixed beforehand is not ignored where it is given again: it is refused in one line."""
    complaint = run("compare", "--study-name", "tab", flag, "0.5").complaint
    assert complaint == f"{flag} cannot be given for a study, which is judged by the plan that it was made with"
