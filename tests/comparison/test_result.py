"""What a notebook shows of a comparison."""

import json
import re
from html import unescape

import numpy as np

from lrsearch.comparison import Comparison, compare_scores
from tests.comparison.examples import compare, table

EVIL = "<script>alert(1)</script>"


def _comparison(**options: object) -> Comparison:
    rng = np.random.default_rng(0)
    scores = 90 + rng.normal(0, 0.2, (8, 3)) + np.array([0.0, 2.0, 1.9])
    return compare_scores(scores, ["constant", EVIL, "cosine"], rope=0.3, rng=rng, **options)  # type: ignore[arg-type]


def test_verdict_warnings_and_table_are_shown_as_text() -> None:
    """The four lines, every warning, a row per family and the statistics folded; names are never markup."""
    comparison = _comparison()
    html = comparison._repr_html_()
    assert EVIL not in html
    text = unescape(re.sub(r"<[^>]+>", " ", html))
    assert text.index("How sure:") < text.index("Avoid:") < text.index(comparison.verdict_text)
    assert comparison.warnings
    assert all(warning in text for warning in comparison.warnings)
    rows = re.findall(r"<tr><td class=short>(.*?)</td><td class=number>(.*?)</td>", html)
    order = comparison.table_order
    names = [comparison.families[i] for i in order]
    assert [f"★ {comparison.preferred}", *names[1:]] == [unescape(name) for name, _ in rows]
    assert comparison.preferred == names[0] != comparison.families[comparison.best_first[0]]
    assert [f"{comparison.means.mean[i]:.2f}" for i in order] == [mean for _, mean in rows]


def test_failed_runs_are_counted_in_the_table() -> None:
    """A family with a run at chance shows how many of its runs failed."""
    scores = np.full((8, 2), 90.0) + np.random.default_rng(1).normal(0, 0.2, (8, 2))
    scores[3, 0] = 10.0
    compared = compare_scores(scores, ["a", "b"], rope=0.3, rng=np.random.default_rng(0), chance=10.0)
    assert ">1 of 8 (exact interval 0 to 53 %)</td>" in compared._repr_html_()


JSON_NAMES = {
    *("mean", "sd", "rank_low", "rank_high", "p_worse", "gap_high", "recommended", "equivalent_to_best", "difference"),
    *("low", "high", "p", "p_single", "p_holm", "p_better", "p_better_low", "p_better_high", "verdict"),
    *("blocks_to_settle", "families", "scores", "blocks", "claim", "metric", "contrasts", "alpha", "rope", "preferred"),
    *("failures", "omnibus_max_t", "omnibus_iman_davenport", "block_seconds", "images", "crossed", "warnings"),
    *("verdict_text", "lines", "cost"),
}


def test_json_gives_everything_by_name():
    """The JSON object begins with the answer and has all fields, arrays as lists, null for what was not tested."""
    scores = table()
    scores[0, 0] = 10
    compared = compare(scores, chance=10.0)
    plain = json.loads(compared.to_json())
    assert JSON_NAMES <= set(plain)
    assert ["lines", "preferred", "recommended", "cost"] == list(plain)[:4]
    assert compared.p[1, 2] == plain["p"][1][2] == plain["p_single"][1][2] >= plain["p_step_down"][1][2]
    assert plain["p"][0][1] is None
    assert list(compared.recommended) == plain["recommended"]
    assert plain["failures"][0]["family"] == "constant"
    assert plain["failures"][0]["runs"]["count"] == 1
    assert compared.verdict_text == plain["verdict_text"]
