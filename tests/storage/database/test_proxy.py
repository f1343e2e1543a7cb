"""Optuna's gRPC proxy: a search through it, and one line where it is away."""

import threading
import warnings

import optuna
import pytest
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import GrpcStorageProxy, get_storage, run_grpc_proxy_server
from optuna.trial import TrialState

from lrsearch.errors import InputError, RunError
from lrsearch.experiment.options import RunOptions
from lrsearch.search.optimize import run_search
from lrsearch.storage import load_study, open_existing, open_storage, records, reopen_storage
from lrsearch.storage.database import patience as lrsearch_patience
from lrsearch.storage.database import proxy as lrsearch_proxy
from tests.search.run_helpers import make_config


@pytest.mark.integration
def test_a_search_runs_through_the_proxy(folder) -> None:
    """A grpc:// address takes a search; where no proxy listens, or the address is none, one line says so."""
    database = open_storage("sqlite:///behind.db")

    def serve() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run_grpc_proxy_server(get_storage(database), host="127.0.0.1", port=13078)

    pytest.importorskip("grpc", reason="needs lrsearch[grpc]")
    threading.Thread(target=serve, daemon=True).start()
    url = "grpc://127.0.0.1:13078"
    _, state = run_search(make_config(search__trials=6), RunOptions(storage=url, workers=1, device="cpu"))
    assert 6 == state.complete + state.pruned
    assert 6 == sum(record.finished for record in records(load_study(open_existing("sqlite:///behind.db"), "tab")))
    with pytest.raises(InputError, match=r"as in grpc://127\.0\.0\.1:13000"):
        open_storage("grpc://127.0.0.1")


def test_a_proxy_that_is_not_there_is_one_line(monkeypatch) -> None:
    """No proxy listens: one line that names the address."""
    pytest.importorskip("grpc", reason="needs lrsearch[grpc]")
    monkeypatch.setattr(lrsearch_proxy, "_CONNECT_SECONDS", 0.3)
    with pytest.raises(
        InputError, match=r"storage 'grpc://127\.0\.0\.1:1' cannot be opened: no proxy answers at this address"
    ):
        open_storage("grpc://127.0.0.1:1")


class _Unavailable(Exception):
    """What a gRPC call raises when its answer was lost."""

    def code(self) -> "_Unavailable":
        return self

    name = "UNAVAILABLE"


@pytest.mark.parametrize("ended", [(TrialState.COMPLETE, [0.5]), (TrialState.FAIL, None)], ids=["complete", "fail"])
def test_an_end_that_a_proxy_carried_out_and_did_not_answer_is_told_once(monkeypatch, ended) -> None:
    """The second try finds the trial ended so, and is content; an end of another process is still an error."""
    behind = optuna.create_study(direction="maximize")
    trials = [behind.ask()._trial_id for _ in range(2)]
    storage, lost = behind._storage, []

    def breaks_after_the_end(self, trial_id, state, values=None) -> bool:
        answer = storage.set_trial_state_values(trial_id, state, values)
        lost.append(trial_id)
        raise _Unavailable if lost.count(trial_id) == 1 else AssertionError(answer)

    monkeypatch.setattr(GrpcStorageProxy, "set_trial_state_values", breaks_after_the_end)
    monkeypatch.setattr(GrpcStorageProxy, "get_trial", lambda self, trial_id: storage.get_trial(trial_id))
    proxy = object.__new__(lrsearch_proxy._Proxy)
    assert proxy.set_trial_state_values(trials[0], *ended)
    assert ended == (behind.trials[0].state, behind.trials[0].values)
    assert 1 == len(lost)
    storage.set_trial_state_values(trials[1], TrialState.PRUNED, [0.25])
    with pytest.raises(UpdateFinishedTrialError):
        proxy.set_trial_state_values(trials[1], *ended)


def test_a_process_of_a_run_waits_for_a_proxy_that_is_away(monkeypatch, caplog) -> None:
    """It says so, and ends with one line that names the address when none answers for as long as it waits."""
    pytest.importorskip("grpc", reason="needs lrsearch[grpc]")
    monkeypatch.setattr(lrsearch_proxy, "_CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(lrsearch_patience, "_PATIENCE_SECONDS", 0.6)
    monkeypatch.setattr(lrsearch_patience, "_UNHEARD_SECONDS", 0.0)
    with pytest.raises(
        RunError, match=r"storage 'grpc://127\.0\.0\.1:1' cannot be opened: no proxy answers at this address"
    ):
        reopen_storage("grpc://127.0.0.1:1")
    assert "the storage does not answer (gRPC)" in caplog.text
