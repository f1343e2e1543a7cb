"""Confirmation: winners and fixed schedules on fresh, paired seeds, in blocks that can be resumed."""

import json
import signal
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from optuna.study import Study

from lrsearch.confirmation import confirm as run_confirm_module
from lrsearch.confirmation.confirm import Confirmation, run_confirm
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.processes.interruption import Interrupted
from lrsearch.records import LearningCurve, unpack_scores
from lrsearch.storage import StudyPart
from tests.conftest import STUDY
from tests.search.run_helpers import JOURNAL, address, finished, lasting, make_config, signal_in, stored
from tests.search.run_helpers import search as search_in_sqlite
from tests.search.run_helpers import search_in_journal as search

CONSTANT = {"name": "plain", "family": "constant", "base_lr": 0.1}
COSINE = {"name": "cosine of ours", "family": "cosine", "base_lr": 0.3, "final_lr": 0.01, "warmup_steps": 5}
FIXED = make_config(baseline=[CONSTANT, COSINE])


def _ledger(study):
    return StudyPart.of(study).attributes.test_ledger


def _confirm(config, blocks: int | None = 2, *, database: str = JOURNAL, **given: Any) -> Confirmation:
    options = RunOptions(storage=address(database), device="cpu", workers=1)
    return run_confirm(config, options, blocks=blocks, **given)


def _runs(study: Study) -> dict[tuple[int, str], dict[str, Any]]:
    """Return what each (block, entry) left."""
    return {(t.user_attrs["block"], t.user_attrs["entry"]): lasting(t) for t in finished(study)}


def test_fixed_schedules_need_no_search(folder) -> None:
    """Each block trains every baseline once, and reads the test set after every epoch, because nothing was selected."""
    study = _confirm(FIXED).study
    assert "tab/confirm" == study.study_name
    runs = _runs(study)
    assert {(b, name) for b in (0, 1) for name in ("plain", "cosine of ours")} == set(runs)
    for (_, name), left in runs.items():
        curve = LearningCurve.from_json(left["curve"])
        assert (2, 2, 2) == (len(curve.test_loss), len(curve.test_accuracy), len(curve.train_loss))
        assert curve.test_accuracy[-1] == pytest.approx(left["test_accuracy"], abs=1e-6)
        assert curve.test_loss[-1] == pytest.approx(left["test_loss"], rel=1e-5)
        assert ("constant" if name == "plain" else "cosine") == left["schedule"]["family"]
    assert 2 == study.user_attrs["planned_blocks"]


def test_a_block_shares_its_seeds_and_shares_them_with_nothing_else(folder) -> None:
    """The pairing: one split, initialisation and order within a block, others in other blocks and in the search."""
    searched = finished(search(make_config(), 3))[0].user_attrs
    study = _confirm(make_config(baseline=[CONSTANT])).study
    seeds = {
        block: {
            tuple(left[k] for k in ("split_seed", "init_seed", "order_seed"))
            for (b, _), left in _runs(study).items()
            if b == block
        }
        for block in (0, 1)
    }
    assert [1, 1] == [len(triples) for triples in seeds.values()]
    all_seeds = [seed for triples in seeds.values() for triple in triples for seed in triple]
    assert 6 == len({*all_seeds} - {searched["init_seed"], searched["order_seed"]})


def test_winners_are_the_best_complete_trials_of_their_families(folder) -> None:
    """After a search every block trains each family's best; the test set is read after the last epoch alone."""
    trials = finished(search(make_config(search__pruner="none"), 9))
    study = _confirm(make_config(search__pruner="none")).study
    best = {}
    for trial in sorted(trials, key=lambda t: (-t.value, t.number)):
        best.setdefault(trial.params["family"], trial.user_attrs["schedule"])
    runs = _runs(study)
    assert {(b, family) for b in (0, 1) for family in best} == set(runs)
    for (_, name), left in runs.items():
        assert best[name] == left["schedule"]
        assert not {"test_loss", "test_accuracy"} & set(left["curve"])
        assert 0 <= left["test_accuracy"] <= 1
        assert [left["test_accuracy"]] == left["values"]
    assert 3 == study.user_attrs["trials_per_family"]


def test_top_takes_more_than_the_best(folder) -> None:
    """`--top 2` adds the second of each family under a name of its own."""
    search(make_config(search__pruner="none"), 6)
    names = {name for _, name in _runs(_confirm(make_config(search__pruner="none"), 1, top=2).study)}
    assert {f"{f}{place}" for f in ("constant", "cosine", "one_cycle") for place in ("", " #2")} == names


def test_searched_settings_travel_with_the_winner(folder) -> None:
    """A winner's momentum is part of its configuration."""
    config = make_config(optimizer__momentum={"low": 0.1, "high": 0.9})
    momentum = {trial.params["family"]: trial.params["momentum"] for trial in finished(search(config, 3))}
    assert momentum == {
        name: left["settings"]["momentum"] for (_, name), left in _runs(_confirm(config, 1).study).items()
    }


def test_an_interrupted_confirmation_equals_an_uninterrupted_one(folder) -> None:
    """Blocks that were finished are stored and not run again; the others give exactly what they would have given."""
    whole = _runs(_confirm(FIXED, 3, database="whole.log").study)
    with pytest.raises(Interrupted):
        _confirm(FIXED, 3, on_epoch=signal_in(3, signal.SIGTERM))
    half = stored(JOURNAL, "tab/confirm")
    assert {0} == {block for block, _ in _runs(half)}
    times = [trial.datetime_complete for trial in finished(half)]
    continued = _confirm(FIXED, 3).study
    assert whole == _runs(continued)
    assert times == [trial.datetime_complete for trial in finished(continued)][:2]


def test_more_blocks_are_added_to_those_that_are_there(folder) -> None:
    """Two blocks and then three are three, to the bit; too few to be judged, they are within the study file's plan."""
    _confirm(FIXED, 2)
    more = _confirm(FIXED, 3).study
    assert _runs(_confirm(FIXED, 3, database="whole.log").study) == _runs(more)
    assert [False] * 3 == [reading.beyond_plan for reading in _ledger(more)]
    assert 6 == len(finished(_confirm(FIXED, 1).study))


@pytest.mark.integration
def test_the_ledger_marks_what_goes_beyond_the_plan(folder) -> None:
    """The blocks of the first command, where they were enough to be judged."""
    _confirm(FIXED, 6)
    assert [False] * 6 + [True] == [reading.beyond_plan for reading in _ledger(_confirm(FIXED, 7).study)]


def test_every_reading_of_the_test_set_is_in_the_ledger(folder) -> None:
    """One line a block, with its entries, and whether every epoch or the last was read; a run again reads nothing."""
    study = _confirm(FIXED).study
    lines = [(r.block, r.entries, r.epochs) for r in _ledger(study)]
    assert [(block, ["plain", "cosine of ours"], "every") for block in (0, 1)] == lines
    assert 2 == len(_ledger(_confirm(FIXED).study))
    search(make_config(), 3, database="searched.log")
    assert ["last"] == [r.epochs for r in _ledger(_confirm(make_config(), 1, database="searched.log").study)]


def test_other_configurations_under_the_same_name_are_refused(folder) -> None:
    """A changed baseline is another confirmation; what is stored stays."""
    before = _runs(_confirm(FIXED, 1).study)
    with pytest.raises(InputError, match=r"'tab/confirm' confirms other configurations.*--study-name"):
        _confirm(make_config(baseline=[{**CONSTANT, "base_lr": 0.2}, COSINE]), 1)
    assert before == _runs(stored(JOURNAL, "tab/confirm"))


def test_a_family_without_a_complete_trial_is_left_out_and_named(folder, run) -> None:
    """It is said on standard error and kept in the study."""
    (Path("tab.toml")).write_text(STUDY)
    search_in_sqlite(make_config(), 2)
    shown = run("confirm", "tab.toml", "--blocks", "1", "--workers", "1", "--device", "cpu", "--format", "json")
    assert 0 == shown.code
    assert 2 == len(json.loads(shown.out))
    (missing,) = stored(name="tab/confirm").user_attrs["left_out"]
    assert f"{missing} is left out: no trial of it is complete" in shown.err


def test_a_fixed_schedule_is_shown_beside_what_was_printed_of_it(folder, run) -> None:
    """The table has mean and SD over blocks at the last epoch, and the published numbers."""
    text = "[[baseline]]\nname = 'plain'\nfamily = 'constant'\nbase_lr = 0.1\nprinted = { accuracy = 0.89 }\n"
    (Path("tab.toml")).write_text(STUDY + text)
    shown = run("confirm", "tab.toml", "--blocks", "3", "--workers", "1", "--device", "cpu", "--format", "json")
    (row,) = json.loads(shown.out)
    runs = _runs(stored(name="tab/confirm")).values()
    accuracies = [left["test_accuracy"] for left in runs]
    assert ("plain", 3, 0.89) == (row["entry"], row["blocks"], row["accuracy printed"])
    assert float(np.mean(accuracies)) == pytest.approx(row["accuracy"])
    assert float(np.std(accuracies, ddof=1)) == pytest.approx(row["accuracy SD"])
    assert float(np.mean([left["curve"]["train_loss"][-1] for left in runs])) == pytest.approx(row["train loss"])


def test_all_examples_can_be_fitted_by_fixed_schedules(folder) -> None:
    """`train = "all"` holds nothing back but the test set."""
    study = _confirm(make_config(baseline=[CONSTANT], data__train="all"), 1).study
    (left,) = _runs(study).values()
    assert {"train_loss", "test_loss", "test_accuracy"} == set(left["curve"])
    assert {} == left["reported"]
    assert 24 == left["schedule"]["total_steps"]  # 240 examples in batches of 20, twice


def test_independent_searches_confirm_families(folder) -> None:
    """After two replicates block b trains the winners of search b."""
    config = make_config(search__replicates=2, search__pruner="none")
    search(config, 3)
    study = _confirm(config, None).study
    assert {0, 1} == {block for block, _ in _runs(study)}
    for block in (0, 1):
        trials = finished(stored(JOURNAL, f"tab/search-{block:02d}"))
        schedules = {trial.params["family"]: trial.user_attrs["schedule"] for trial in trials}
        assert schedules == {name: left["schedule"] for (b, name), left in _runs(study).items() if b == block}


def test_a_diverged_run_counts_as_chance(folder) -> None:
    """The workload's worst value stands for it, with its reason and no scores; the other entries of the block go on."""
    study = _confirm(make_config(baseline=[{**CONSTANT, "base_lr": 1e30}, COSINE]), 1).study
    runs = _runs(study)
    bad, good = runs[0, "plain"], runs[0, "cosine of ours"]
    assert ("diverged", None, [pytest.approx(1 / 3)]) == (bad["stop_reason"], bad["test_accuracy"], bad["values"])
    assert "test_correct" not in bad
    assert "finished" == good["stop_reason"]


def test_nothing_to_confirm_is_refused(folder) -> None:
    """Neither a search nor a baseline: the error says what to do."""
    with pytest.raises(InputError, match=r"nothing to confirm: 'tab' .*optimize.*\[\[baseline\]\]"):
        _confirm(make_config())


def test_scores_of_examples_are_kept_whole(folder) -> None:
    """Which test examples were right, in the data set's order; their mean is the test accuracy."""
    for left in _runs(_confirm(FIXED, 1).study).values():
        scores = unpack_scores(left)
        assert scores is not None
        assert 60 == len(scores)
        assert float(scores.mean()) == pytest.approx(left["test_accuracy"], abs=1e-6)


def test_a_block_that_another_command_trains_is_waited_for(folder, monkeypatch, caplog) -> None:
    """While another live process holds a block it is not run twice; what it leaves, or a dead one's, is taken over."""
    study = _confirm(FIXED, 1).study
    seen = []

    def wait(_seconds: float) -> None:
        """Let the other command give up its block, where it would have been waited for."""
        seen.append({t.user_attrs["block"] for t in study.get_trials()})
        study.set_user_attr("hold:0001", {})

    monkeypatch.setattr(run_confirm_module, "time", SimpleNamespace(sleep=wait, time=time.time))
    held = {"worker": "elsewhere:1:2", "when": time.time(), "epochs": 1}
    study.set_user_attr("hold:0001", held)
    assert {0, 1, 2} == {t.user_attrs["block"] for t in _confirm(FIXED, 3).study.get_trials()}
    assert [{0, 2}] == seen
    assert "another command trains" in caplog.text
    study.set_user_attr("hold:0003", held | {"when": time.time() - 3600})
    assert {0, 1, 2, 3} == {t.user_attrs["block"] for t in _confirm(FIXED, 4).study.get_trials()}
    assert 1 == len(seen)


def test_a_confirmation_whose_time_is_over_stops_after_a_block_and_says_so(folder) -> None:
    """The block that was begun is finished and stored; the next start trains the rest."""
    options = RunOptions(storage=address(JOURNAL), device="cpu", workers=1, timeout_seconds=1e-9)
    assert not run_confirm(FIXED, options, blocks=2).finished
    late = run_confirm(FIXED, replace(options, timeout_seconds=60.0), blocks=2)
    assert late.finished
    assert 2 == len({trial.user_attrs["block"] for trial in late.study.get_trials()})


def test_two_commands_in_one_moment_store_a_run_once(folder, monkeypatch) -> None:
    """Runs that another command stored while this one trained them are not stored again."""
    from lrsearch.confirmation import train as module

    store = module._store

    def twice(experiment, study, runs, training, *, enter) -> None:
        store(experiment, study, runs, training, enter=enter)
        training._told.clear()
        store(experiment, study, runs, training, enter=enter)

    monkeypatch.setattr(module, "_store", twice)
    runs = [(t.user_attrs["block"], t.user_attrs["entry"]) for t in _confirm(FIXED, 2).study.get_trials()]
    assert len(set(runs)) == len(runs) > 0


def test_what_was_asked_for_and_not_done_is_said(folder, caplog) -> None:
    """Fewer blocks than are stored train nothing; after replicates their number is the number of blocks."""
    _confirm(FIXED, 3)
    assert ["3 blocks cannot give a verdict, which needs at least 6"] == caplog.messages
    assert 6 == len(_confirm(FIXED, 2).study.get_trials())
    assert "blocks: 2 asked for, but 3 are stored, and all 3 count in the verdict" in caplog.text
    config = make_config(search__replicates=2, search__pruner="none")
    search(config, 3, database="replicates.log")
    assert {0, 1} == {block for block, _ in _runs(_confirm(config, 5, database="replicates.log").study)}
    assert "blocks: 5 asked for, but there is one for each of 2 replicates of the search" in caplog.text


def test_one_call_audits_and_confirms_with_controls(folder) -> None:
    """As the command does: the audit's study beside the confirmation's, which holds the controls."""
    config = make_config(training__epochs=4, search__families=["constant", "cosine"], search__trials=20)
    search(config, 20)
    confirmed = _confirm(config, 1, controls=["aa"], audit_pruned=0.5)
    assert confirmed.audit is not None
    assert "tab/audit" == confirmed.audit.study_name
    assert 0 < len(confirmed.audit.get_trials())
    assert {"aa"} == {control["kind"] for control in confirmed.study.user_attrs["controls"].values()}
