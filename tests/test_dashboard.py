"""The dashboard as it is served: read-only, on loopback, and with our verdict on the studies' pages."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import lrsearch
from lrsearch.config import StudyConfig
from lrsearch.dashboard import make_dashboard, write_verdict
from lrsearch.errors import InputError
from lrsearch.storage import open_storage, study_id
from lrsearch.verdict import study_verdict


@contextmanager
def _served(url: str, *, allow_edit: bool = False) -> Iterator[str]:
    with make_dashboard(open_storage(url), host="127.0.0.1", port=0, allow_edit=allow_edit) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _ask(address: str, method: str = "GET") -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.fixture
def searched(folder) -> str:
    """Return the address of a storage that holds a small search."""
    url = f"sqlite:///{folder}/d.db"
    given = {"workload": "tests.workload_examples:tabular", "training": {"epochs": 1}}
    search = {"families": ("constant", "square_root"), "trials": 4}
    config = StudyConfig.from_dict({"name": "shown", "description": "A small search", **given, "search": search})
    lrsearch.confirm(lrsearch.optimize(config, storage=url, workers=1), blocks=6, workers=1)
    return url


def test_reading_works_and_changing_is_refused_unless_allowed(searched) -> None:
    """Trials are shown; deleting a study is answered with 405, or done with allow_edit."""
    study = study_id(open_storage(searched), "shown")
    with _served(searched) as address:
        code, answer = _ask(f"{address}/api/studies/{study}")
        assert (200, 4) == (code, len(json.loads(answer)["trials"]))
        assert 200 == _ask(f"{address}/dashboard")[0]
        code, answer = _ask(f"{address}/api/studies/{study}", "DELETE")
        assert 405 == code
        assert b"--allow-edit" in answer
        assert 200 == _ask(f"{address}/api/studies/{study}")[0]
    with _served(searched, allow_edit=True) as address:
        assert 204 == _ask(f"{address}/api/studies/{study}", "DELETE")[0]
        assert 404 == _ask(f"{address}/api/studies/{study}")[0]


def test_the_verdict_is_on_the_page_of_the_search(searched, run) -> None:
    """`compare` leaves a note and a figure, which the dashboard's own interface hands out; twice is once."""
    for _ in range(2):
        assert 0 == run("compare", "--storage", searched, "--study-name", "shown").code
    with _served(searched) as address:
        shown = json.loads(_ask(f"{address}/api/studies/{study_id(open_storage(searched), 'shown')}")[1])
    assert shown["note"]["body"].startswith("A small search\n\n**Verdict.** ")
    assert "these configurations" in shown["note"]["body"]
    assert r"square\_root" in shown["note"]["body"]
    assert ["lrsearch-verdict"] == [figure["id"] for figure in shown["plotly_graph_objects"]]


def test_a_note_stays_text(folder, searched) -> None:
    """What could be read as Markdown or HTML in a verdict is escaped."""
    from optuna_dashboard import get_note

    from lrsearch.storage import load_study

    study = load_study(open_storage(searched), "shown")
    verdict = study_verdict(study)
    object.__setattr__(verdict.comparison, "verdict_text", "<script>_a_*b*")
    write_verdict([study], verdict)
    assert r"\<script>\_a\_\*b\*" in get_note(study)


def test_a_port_in_use_is_one_line(searched) -> None:
    """Where something listens already, the error names the address and what to do."""
    storage = open_storage(searched)
    with (
        make_dashboard(storage, host="127.0.0.1", port=0, allow_edit=False) as server,
        pytest.raises(InputError, match=rf"cannot listen on 127.0.0.1:{server.server_port} .* choose another"),
    ):
        make_dashboard(storage, host="127.0.0.1", port=server.server_port, allow_edit=False)
