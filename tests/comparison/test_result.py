"""What a notebook shows of a comparison."""

import re
from html import unescape

import numpy as np

from lrsearch.comparison import Comparison, compare_scores

EVIL = "<script>alert(1)</script>"


def _comparison(**options: object) -> Comparison:
    rng = np.random.default_rng(0)
    scores = 90 + rng.normal(0, 0.2, (8, 3)) + np.array([0.0, 2.0, 1.9])
    return compare_scores(scores, ["constant", EVIL, "cosine"], rope=0.3, rng=rng, **options)  # type: ignore[arg-type]


def test_verdict_warnings_and_table_are_shown_as_text() -> None:
    """The whole verdict, every warning and a row per family, the best first; names are never markup."""
    comparison = _comparison()
    html = comparison._repr_html_()
    assert EVIL not in html
    text = unescape(re.sub(r"<[^>]+>", " ", html))
    assert comparison.verdict_text in text
    assert comparison.warnings
    assert all(warning in text for warning in comparison.warnings)
    rows = re.findall(r"<tr><td class=short>(.*?)</td><td class=number>(.*?)</td>", html)
    order = np.argsort(-comparison.means.mean)
    assert [comparison.families[i] for i in order] == [unescape(name) for name, _ in rows]
    assert [f"{comparison.means.mean[i]:.2f}" for i in order] == [mean for _, mean in rows]


def test_failed_runs_are_counted_in_the_table() -> None:
    """A family with a run at chance shows how many of its runs failed."""
    scores = np.full((8, 2), 90.0) + np.random.default_rng(1).normal(0, 0.2, (8, 2))
    scores[3, 0] = 10.0
    found = compare_scores(scores, ["a", "b"], rope=0.3, rng=np.random.default_rng(0), chance=10.0)
    assert ">1 of 8 (exact interval 0 to 53 %)</td>" in found._repr_html_()
