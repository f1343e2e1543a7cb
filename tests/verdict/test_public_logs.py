"""Tables made of published logs: what is separated there, and what must not go into a table."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from lrsearch.verdict.scores_csv import compare_table

LOGS = Path(__file__).parent.parent / "assets" / "public_logs"
LOSSES = {"direction": "minimize", "metric": "validation loss", "unit": "nats", "rope": 0.001}


def _rows(name):
    with (LOGS / name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _one_run(first: dict[int, float], second: dict[int, float]) -> bool:
    """Return whether two logs, {step: loss}, are of one run: they agree at all steps that they share."""
    shared = first.keys() & second.keys()
    return bool(shared) and all(first[step] == second[step] for step in shared)


def _runs(result: str, sub: str = "") -> list[dict[int, float]]:
    """Return the runs of a result, each {step: loss}, every run once."""
    logs: dict[str, dict[int, float]] = defaultdict(dict)
    for row in _rows("nanogpt_track3.csv"):
        if row["result"].partition("_")[2] == result and row["sub"] == sub:
            logs[row["log"]][int(row["step"])] = float(row["val_loss"])
    runs: list[dict[int, float]] = []
    for log in logs.values():
        if not any(_one_run(log, run) for run in runs):
            runs.append(log)
    return runs


SWEEP = "klsoap_h_clean_tuple_sweep"
PAIRS = [
    (("tuned_baseline_3250",), ("muonh_tuned_aux_3250",), (10, 10), False),
    (("pmuon",), ("skylight001",), (9, 8), False),
    ((SWEEP, "b1090_sh090"), (SWEEP, "b1095_sh090"), (6, 6), True),
    (("dampen_radial_gradient_component",), ("aurora_proj_pruned_extended_contra",), (11, 16), True),
]


@pytest.mark.parametrize(("first", "second", "runs", "separated"), PAIRS)
def test_pairs_of_submissions_with_equal_steps(folder, first, second, runs, separated) -> None:
    """Unpaired, and where they are not equal in number too, by the loss at their common last step."""
    results = (_runs(*first), _runs(*second))
    (last,) = {max(run) for result in results for run in result}
    lines = [f"{name},{run[last]}" for name, result in zip("ab", results, strict=True) for run in result]
    (folder / "t.csv").write_text("\n".join(["family,score", *lines]))
    compared = compare_table(folder / "t.csv", **LOSSES)
    assert runs == compared.unpaired_runs
    assert separated == (compared.p[0, 1] <= 0.05)


def test_two_logs_are_one_run_if_they_agree_at_all_steps_that_they_share() -> None:
    """Equal last values alone would drop a genuine run: two of ten end with the same loss."""
    assert 1 == len(_runs("trustlight", "idea_10e_attnproj_bounded_trust_floor_soapish/seed_0"))
    ended_alike = _runs("muonh")
    assert 10 == len(ended_alike)
    assert 9 == len({run[max(run)] for run in ended_alike})


def _schedules(*, never_decayed: bool):
    """Return {(layers, width, iterations): {schedule: the loss at its best rate}} of cosine and WSD."""
    best: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for row in _rows("llm_schedules.csv"):
        undecayed = row["scheduler"] == "wsd" and float(row["decay_fraction"]) == 0
        if row["scheduler"] in ("cos", "wsd") and (never_decayed or not undecayed):
            losses = best[row["layers"], row["width"], row["iterations"]]
            losses[row["scheduler"]] = min(float(row["final_val_loss"]), losses.get(row["scheduler"], float("inf")))
    return {block: losses for block, losses in best.items() if len(losses) == 2}


@pytest.mark.parametrize(("never_decayed", "blocks", "difference"), [(False, 26, -0.0020), (True, 32, +0.0223)])
def test_what_goes_into_a_table_decides_its_sign(folder, never_decayed, blocks, difference) -> None:
    """WSD is as good as cosine by 0.002 nats, or worse by 0.022 where runs that never decayed are taken for WSD."""
    best = _schedules(never_decayed=never_decayed)
    rows = [f"{'-'.join(block)},{name},{loss}" for block, losses in best.items() for name, loss in losses.items()]
    (folder / "t.csv").write_text("\n".join(["block,family,score", *rows]))
    compared = compare_table(folder / "t.csv", **(LOSSES | {"rope": 0.01}))
    assert (blocks, None) == (compared.blocks, compared.unpaired_runs)
    mean = dict(zip(compared.families, compared.means.mean, strict=True))
    assert mean["wsd"] - mean["cos"] == pytest.approx(difference, abs=5e-5)


def test_single_runs_are_no_verdict(folder) -> None:
    """Every configuration has run once: means, and no test."""
    rows = _rows("llm_schedules.csv")
    lines = [f"run {number},{row['final_val_loss']}" for number, row in enumerate(rows)]
    (folder / "t.csv").write_text("\n".join(["family,score", *lines]))
    compared = compare_table(folder / "t.csv", **LOSSES)
    assert "The 235 families have one run each: no verdict." == compared.verdict_text
    assert 235 == len(compared.family_table().rows)
