"""The pruning audit: pruned trials become what they would have become, and are counted against their family."""

import shutil
import signal
from pathlib import Path
from statistics import median

import pytest
from optuna.trial import TrialState

from lrsearch.confirmation.audit import batches, finish_pruned, sample_pruned
from lrsearch.confirmation.job import Job
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.processes.interruption import Interrupted
from lrsearch.records import LearningCurve
from lrsearch.storage import StoredStudy, load_study, open_storage, records
from lrsearch.verdict.pruning_audit import audit_result
from tests.search.run_helpers import JOURNAL, hand_made, make_config, search_in_journal, stored

CONFIG = make_config(training__epochs=4, search__families=["constant", "cosine"], search__trials=20)
DB, OTHER = "journal:///lrsearch.log", "journal:///other.log"


@pytest.fixture(scope="module")
def finished_search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the journal of a search that has pruned some of its trials."""
    journal = tmp_path_factory.mktemp("audit") / JOURNAL
    search_in_journal(CONFIG, 20, database=str(journal))
    return journal


@pytest.fixture
def searched(finished_search: Path, folder: Path) -> str:
    """Return the name of a copy of that journal in the working directory."""
    shutil.copy(finished_search, folder / JOURNAL)
    return JOURNAL


def _audit(share: float, *, database: str = DB, **given):
    job = Job.prepare(CONFIG, RunOptions(storage=database, device="cpu", workers=1, lanes=2))
    return audit_result(StoredStudy.of(finish_pruned(job, share, **given)))


def _finished(database: str = DB):
    return load_study(open_storage(database), "tab/audit").get_trials()


def _what_lasts(trials):
    return {t.user_attrs["audited"]: (t.value, t.user_attrs["curve"], t.user_attrs["entry"]) for t in trials}


DONE, CUT = TrialState.COMPLETE, TrialState.PRUNED


def test_the_draw_is_a_share_of_the_pruned_and_grows_by_itself() -> None:
    """ceil(share x pruned) trials, drawn anew by another seed, and a larger share holds the smaller one."""
    study = hand_made([("cosine", DONE, 0.9), *[("cosine", CUT, 0.5)] * 10])
    (small,), (large,), (all_of_them,) = (sample_pruned([study], share, 3) for share in (0.25, 0.6, 1.0))
    assert (3, 6, 10) == (len(small), len(large), len(all_of_them))
    numbers = [{t.number for t in drawn} for drawn in (small, large, all_of_them)]
    assert numbers[0] < numbers[1] < numbers[2] == set(range(1, 11))
    draws = {tuple(t.number for t in sample_pruned([study], 0.25, seed)[0]) for seed in range(8)}
    assert len(draws) > 3
    assert [2, 2, 2] == [len(batch.trials) for batch in batches([large], 2)]
    assert [(0, 1), (1, 2), (1, 1)] == [(b.replicate, len(b.trials)) for b in batches([small[:1], small], 2)]


def test_every_pruned_trial_is_as_likely_as_any_other() -> None:
    """Over many seeds each of ten trials is drawn in about three of ten audits."""
    study = hand_made([("cosine", DONE, 0.9), *[("cosine", CUT, 0.5)] * 10])
    drawn = [t.number for seed in range(400) for t in sample_pruned([study], 0.3, seed)[0]]
    counts = [drawn.count(number) for number in range(1, 11)]
    assert max(abs(count - 120) for count in counts) < 4 * (400 * 0.3 * 0.7) ** 0.5


def test_nothing_to_audit_is_refused(folder) -> None:
    """An invalid share, a search without pruned trials, no search: one error each, nothing stored."""
    unpruned = hand_made([("cosine", DONE, 0.9)])
    for share in (0.0, -0.1, 1.5, float("nan")):
        with pytest.raises(InputError, match=f"above 0 and at most 1, got {share}"):
            sample_pruned([unpruned], share, 0)
    with pytest.raises(InputError, match="nothing to audit"):
        sample_pruned([unpruned], 0.5, 0)
    # A family of which everything was pruned has no median to be held against.
    with pytest.raises(InputError, match="nothing to audit"):
        sample_pruned([hand_made([("cosine", DONE, 0.9), ("rex", CUT, 0.5)])], 0.5, 0)
    with pytest.raises(InputError, match="run optimize first"):
        _audit(0.5)


def test_a_finished_trial_goes_on_from_where_it_was_pruned(searched) -> None:
    """On the search's own seeds its first epochs are those that were pruned, to the bit; the test set is not read."""
    study = stored(searched)
    pruned = {r.number: r for r in records(study) if r.state == "pruned"}
    audit = _audit(1.0)
    assert len(pruned) == audit.beat_best.total > 0
    complete = [r for r in records(study) if r.state == "complete"]
    over = 0
    for trial in _finished():
        before, attributes = pruned[trial.user_attrs["audited"]], trial.user_attrs
        curve = LearningCurve.from_json(attributes["curve"])
        length = len(before.curve.select_accuracy)
        assert length < 4 == len(curve.select_accuracy)
        assert before.curve.select_loss == pytest.approx(curve.select_loss[:length], rel=1e-6)
        assert before.curve.select_accuracy == curve.select_accuracy[:length]
        assert (before.family, before.schedule) == (attributes["entry"], attributes["schedule"])
        assert trial.value == curve.select_accuracy[-1]
        assert () == curve.test_loss
        over += trial.value > median(r.value for r in complete if r.family == before.family)
    assert over == audit.beat_median.count


def test_an_audit_goes_on_where_it_was_stopped(searched) -> None:
    """Stopped in the second batch it keeps the first, and ends with what an unstopped one ends with."""
    shutil.copy(searched, "other.log")
    epochs = 0

    def stop_in_the_second(state) -> None:
        nonlocal epochs
        epochs += 1
        if epochs == 5:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted):
        _audit(1.0, on_epoch=stop_in_the_second)
    kept = _what_lasts(_finished())
    assert 2 == len(kept)
    assert _audit(1.0) == _audit(1.0, database=OTHER)
    whole = _what_lasts(_finished())
    assert all(whole[number] == left for number, left in kept.items())
    assert whole == _what_lasts(_finished(OTHER))
    before = len(_finished())
    _audit(1.0)
    assert before == len(_finished())


def test_confirm_shows_the_audit_beside_its_table(folder, run, study_file) -> None:
    """The command runs it with the confirmation; the study's name still stands for all of its parts."""
    text = study_file.read_text().replace("epochs = 2", "epochs = 4").replace("trials = 6", "trials = 24")
    study_file.write_text(text)
    assert 0 == run("optimize", study_file, "--workers", "1", "--device", "cpu").code
    shown = run("confirm", study_file, "--audit-pruned", "0.5", "--blocks", "1", "--workers", "1", "--device", "cpu")
    assert 0 == shown.code
    assert "better than their family's best" in shown.out
    assert "audit" in run("studies").out
    assert 0 == run("trials").code
    assert "above 0 and at most 1, got 2.0" in run("confirm", study_file, "--audit-pruned", "2").complaint
