"""Tables of scores of any origin: read strictly, and judged by the direction, metric and unit that are given."""

import json

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
    "block,score\n0,90": "columns block, family, score",
    "family,score\n,90": "line 2: the family is empty",
    "": "columns block, family, score",
    "block,family,score,score\n0,cosine,90,91": "columns block, family, score, each of them once",
    "block,family,score\n": "no line below its columns",
    "block,family,score\n0,cosine,90,91": "line 2: it has 4 cells, and the header has 3",
    "block,family,score\n\n0,cosine,88,2": "line 3: it has 4 cells, and the header has 3; write 88.2, not 88,2",
    "block,family,score\n0,,90": "line 2: the family is empty",
    "block,family,score\n , cosine, 90": "line 2: the block is empty",
    "block;family;score\n0;cosine;90": "got 'block;family;score'; its cells are separated by semicolons: use commas",
    "block\tfamily\tscore\n0\tcosine\t90": "separated by tabs: use commas",
    "block,family,score\n0,cosine,nan": "line 2: score must be a finite number, got 'nan': for a run that diverged",
    "block,family,score\n0,cosine,90\n0,cosine,91": "line 3: block 0 and family cosine stand twice",
    "block,family,score\n0,cosine,high": "line 2: score must be a number, got 'high'",
    "block,family,score\n0,cosine": "line 2: it has 2 cells, and the header has 3",
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
    assert compared.verdict_text in run("compare", "--scores", "scores.csv", *flags, "--details").out
    shown = run("compare", "--scores", "scores.csv", *flags).out
    assert shown.startswith("\n".join(compared.lines))
    assert compared.verdict_text not in shown


@pytest.mark.parametrize("options", [{"direction": "minimize"}, {"unit": "BLEU"}])
def test_scores_that_are_no_points_are_judged_without_a_rope_that_nobody_stated(folder, options) -> None:
    """0.3 is a default for points alone; the verdict says what is separated, and asks for the number."""
    compared = _table(folder, _lines(LOSSES), rope=None, **options)
    assert compared.settings.rope is None
    text, unit = compared.verdict_text, options.get("unit", "units")
    assert f"is better than {'constant' if 'direction' in options else 'cosine'} by 0.1997 {unit} (" in text
    assert f"Whether a difference matters is not said: state the one that would not, in {unit}, as rope" in text
    assert "no region of practical equivalence" in compared.note
    assert {None} == {row["within the ROPE"] for row in compared.family_table().records()}
    assert compared.to_dict()["rope"] is None
    assert 0.3 == _table(folder, _lines(SCORES), rope=None).settings.rope


def test_fractions_that_nobody_named_are_refused(folder, run) -> None:
    """As points their differences would never matter; a metric or a unit says what they are."""
    fractions = {name: [value / 100 for value in values] for name, values in SCORES.items()}
    assert 0.3 == _table(folder, _lines(fractions), rope=None, unit="points").settings.rope
    for flags in ((), ("--rope", "0.003"), ("--sequential", "--candidate", "cosine", "--baseline", "constant")):
        refused = run("compare", "--scores", "scores.csv", *flags)
        assert 2 == refused.code
        assert "give 88.2, not 0.882, or for another metric its name, such as --metric AUC" in refused.complaint
    for named in ({"metric": "AUC"}, {"unit": "fraction"}):
        assert _table(folder, _lines(fractions), rope=None, **named).settings.rope is None


def test_losses_without_a_word_of_what_they_are_get_a_caution(folder) -> None:
    """They would be read as accuracies, the more the better; one flag that says otherwise ends it."""
    caution = "--direction, --metric and --unit"
    assert any(caution in warning for warning in _table(folder, _lines(LOSSES)).warnings)
    for options in ({"direction": "minimize"}, {"metric": "BLEU"}, {"unit": "BLEU"}):
        assert not any(caution in warning for warning in _table(folder, _lines(LOSSES), **options).warnings)
    assert not any(caution in warning for warning in _table(folder, _lines(SCORES)).warnings)
    with pytest.raises(InputError, match="unit must not be empty"):
        _table(folder, _lines(LOSSES), rope=None, unit="")


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


@pytest.mark.parametrize("flag", ["--sigma", "--failed-at"])
def test_a_study_is_judged_by_its_own_plan(folder, run, flag) -> None:
    """What is fixed beforehand is not ignored where it is given again: it is refused in one line."""
    complaint = run("compare", "--study-name", "tab", flag, "0.5").complaint
    assert complaint == f"{flag} cannot be given for what is stored, which is judged by the plan that it was made with"


def test_a_table_is_not_read_beside_a_study(folder, run) -> None:
    """Which of the two was meant is not guessed; a study that only the environment names is not meant."""
    (folder / "scores.csv").write_text(_lines(SCORES))
    assert "leave out --study-name" in run("compare", "--scores", "scores.csv", "--study-name", "tab").complaint
    assert "leave out --studies" in run("compare", "--scores", "scores.csv", "--studies", "a,b").complaint


@pytest.mark.parametrize("cell", ["٩٠", "9_0", "９０"])
def test_a_score_is_written_in_the_digits_0_to_9(folder, cell) -> None:
    """Python reads those of every script, and 9_0, which nobody meant."""
    with pytest.raises(InputError, match="score must be a number"):
        _table(folder, f"block,family,score\n0,cosine,{cell}")


def _unpaired(scores) -> str:
    return "\n".join(["family,score", *(f"{name},{v}" for name, values in scores.items() for v in values)])


UNEQUAL = {"a": [0.1, 0.5, 0.3], "b": [1.1, 1.4, 0.9, 1.2], "c": [1.0, 2.2, 0.4, 1.6, 3.1, 1.9]}


def test_a_table_without_blocks_is_judged_as_unpaired_runs(folder, run) -> None:
    """The same object, words and JSON; the numbers are those of the procedure for unequal groups."""
    compared = _table(folder, _unpaired(UNEQUAL), unit="nats")
    assert compared.p[0, 1] == pytest.approx(0.016740, abs=6e-7)
    assert ("b", "c") == compared.recommended
    assert "Over 3 to 6 runs each of these configurations" in compared.verdict_text
    printed = json.loads(
        run("compare", "--scores", "scores.csv", "--unit", "nats", "--rope", "0.3", "--format", "json").out
    )
    assert (False, None, [3, 4, 6]) == (printed["paired"], printed["blocks"], printed["runs"])
    assert (compared.low[0, 2], ["b", "c"]) == (printed["low"][0][2], printed["recommended"])


def test_sigma_and_a_baseline_are_given_to_the_unpaired_procedure(folder) -> None:
    """A known sigma, one baseline, and one direction change what is tested, and are told."""
    with_sigma = _table(folder, _unpaired(UNEQUAL), sigma=0.5)
    assert with_sigma.p[1, 2] == pytest.approx(0.203096, abs=6e-7)
    assert "SD of a run known to be 0.5" in with_sigma.note
    against = _table(folder, _unpaired(UNEQUAL), baseline="a", one_sided=True)
    assert np.isnan(against.p[1, 2])
    assert "each against a, one-sided" in against.note
    with pytest.raises(InputError, match=r"sigma \(--sigma\) and one_sided .* are for tables without"):
        _table(folder, _lines(SCORES), sigma=0.5)
    assert np.isnan(_table(folder, _lines({**SCORES, "rex": noisy(90.0, 10)}), baseline="rex").p[0, 1])


def test_blocks_that_lack_a_family_are_not_used_and_named(folder) -> None:
    """The runs are then unpaired, with the way to a paired comparison."""
    compared = _table(folder, _lines({**SCORES, "cosine": SCORES["cosine"][:8]}))
    assert (10, 8) == compared.unpaired_runs
    assert "2 of 10 blocks lack a family" in compared.warnings[0]
    assert "within the 8 whole ones" in compared.warnings[0]
    few = _table(folder, _lines({**SCORES, "cosine": SCORES["cosine"][:5]}))
    assert few.warnings[0].endswith("5 of 10 blocks lack a family")


@pytest.mark.parametrize("blocks", [2, 3, 5])
def test_few_blocks_are_shown_and_not_judged(folder, blocks) -> None:
    """Means, no recommendation, and the number of blocks that would be enough."""
    compared = _table(folder, _lines({name: scores[:blocks] for name, scores in SCORES.items()}))
    assert () == compared.recommended
    assert compared.means.mean[0] == pytest.approx(np.mean(SCORES["constant"][:blocks]))
    assert f"{blocks} paired blocks are shown and not judged: a verdict needs at least 6" in compared.verdict_text
    assert "would be enough to settle" in compared.verdict_text
