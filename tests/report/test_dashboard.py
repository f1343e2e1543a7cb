"""The dashboard as it is served: read-only, on loopback, and with our verdict on the studies' pages."""

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

import lrsearch
from lrsearch.__main__ import main
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.report.dashboard import make_dashboard, write_verdict
from lrsearch.storage import StoredStudy, back_up, load_study, open_storage, study_id
from lrsearch.verdict.study_verdict import study_verdict
from tests.report.browser import CHROMIUM, Browser, Visit

DIGITS = """
name = "digits"
description = "A tiny search on digits"
data.dataset = "digits"
training = { epochs = 4, batch_size = 32 }
search = { families = ["constant", "square_root"], trials = 4 }
ranges.base_lr = { low = 0.1, high = 0.2 }  # no run fails, so that there is a pair to draw
"""


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


def _ask(address: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    asked = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory) -> str:
    """Return the address of a storage that holds a small search and its confirmation."""
    url = f"sqlite:///{tmp_path_factory.mktemp('dashboard')}/d.db"
    given = {"workload": "tests.workload_examples:tabular", "training": {"epochs": 1}}
    search = {"families": ("constant", "square_root"), "trials": 4}
    config = StudyConfig.from_dict({"name": "shown", "description": "A small search", **given, "search": search})
    lrsearch.confirm(lrsearch.optimize(config, storage=url, workers=1), blocks=6, workers=1)
    return url


@pytest.fixture
def searched(confirmed, folder) -> str:
    """Return the address of a copy of that storage."""
    return f"sqlite:///{back_up(confirmed, folder / 'd.db')}"


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


def test_a_confirmation_has_parameters_and_no_importances(searched) -> None:
    """Its runs show what was sampled for them; a study whose runs repeat configurations ranks no parameter."""
    storage = open_storage(searched)
    study, confirmation = study_id(storage, "shown"), study_id(storage, "shown/confirm")
    with _served(searched) as address:
        code, answer = _ask(f"{address}/api/studies/{confirmation}")
        trials = json.loads(answer)["trials"]
        assert (200, 12) == (code, len(trials))
        assert all({"family", "base_lr"} <= {p["name"] for p in trial["params"]} for trial in trials)
        code, answer = _ask(f"{address}/api/studies/{confirmation}/param_importances")
        assert (200, {"param_importances": [[]]}) == (code, json.loads(answer))
        assert json.loads(_ask(f"{address}/api/studies/{study}/param_importances")[1])["param_importances"][0]
        assert 404 == _ask(f"{address}/api/studies/999/param_importances")[0]


def test_the_verdict_is_on_the_page_of_the_search(searched, run) -> None:
    """`compare` leaves a note and a figure, which the dashboard's own interface hands out; twice is once."""
    for _ in range(2):
        assert 0 == run("compare", "--storage", searched, "--study-name", "shown").code
    with _served(searched) as address:
        shown = json.loads(_ask(f"{address}/api/studies/{study_id(open_storage(searched), 'shown')}")[1])
    assert shown["note"]["body"].startswith("A small search\n\n**No difference was found between the two")
    assert "take `constant`" in shown["note"]["body"]
    assert "\n\n**How sure:** " in shown["note"]["body"]
    assert "these configurations" in shown["note"]["body"]
    assert r"square\_root" in shown["note"]["body"]
    assert "mixes the families" in shown["note"]["body"]
    assert {"lrsearch-verdict", "lrsearch-base-lr"} == {figure["id"] for figure in shown["plotly_graph_objects"]}
    assert {450} == {json.loads(f["graph_object"])["layout"]["height"] for f in shown["plotly_graph_objects"]}


def test_a_note_stays_text(folder, searched) -> None:
    """What could be read as Markdown or HTML in a verdict is escaped."""
    from optuna_dashboard import get_note

    study = load_study(open_storage(searched), "shown")
    verdict = study_verdict(StoredStudy.of(study))
    object.__setattr__(verdict.comparison, "sentences", ("<script>_a_*b*",))
    object.__setattr__(verdict.comparison, "lines", ("Use `a_b` *now*`", "How sure: <b>``", "Does", "Avoid: $x$"))
    write_verdict([study], StoredStudy.of(study), verdict)
    assert r"\<script>\_a\_\*b\*" in get_note(study)
    assert r"**Use `a_b` \*now\*\`**" in get_note(study)
    assert r"**How sure:** \<b>\`\`" in get_note(study)


def test_a_port_in_use_is_one_line(searched) -> None:
    """Where something listens already, the error names the address and what to do."""
    storage = open_storage(searched)
    with (
        make_dashboard(storage, host="127.0.0.1", port=0, allow_edit=False) as server,
        pytest.raises(InputError, match=rf"cannot listen on 127.0.0.1:{server.server_port} .* choose another"),
    ):
        make_dashboard(storage, host="127.0.0.1", port=server.server_port, allow_edit=False)


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> str:
    """Return the address of a storage that holds a search on digits, confirmed and compared, by the commands alone."""
    folder = tmp_path_factory.mktemp("digits")
    (folder / "digits.toml").write_text(DIGITS)
    here = ("--storage", f"sqlite:///{folder}/d.db")
    train = (str(folder / "digits.toml"), *here, "--device", "cpu", "--workers", "1")
    for command in (("optimize", *train), ("confirm", *train, "--blocks", "6"), ("compare", *here)):
        assert 0 == main(list(command))
    return here[1]


@contextmanager
def _command(url: str, *options: str) -> Iterator[str]:
    """Run `lrsearch dashboard` on a free port; yield the address that it prints."""
    command = (sys.executable, "-m", "lrsearch", "dashboard", "--storage", url, "--port", "0", *options)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            yield next(word for word in server.stderr.readline().split() if word.startswith("http"))
        finally:
            server.terminate()


def _seen(browser: Browser, address: str, text: str, ready: str, **options: object) -> Visit:
    """Visit a page until `ready`; nothing may go wrong on it, and nothing may be asked of another machine."""
    visit = browser.visit(address, {"text": text}, ready=ready, **options)
    assert [] == visit.errors
    asked = [url for url in visit.requested if not url.startswith(("data:", "blob:"))]
    assert address in asked
    assert {urlsplit(address).netloc} == {urlsplit(url).netloc for url in asked}
    return visit


@pytest.mark.integration
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt-get install chromium)")
def test_a_browser_shows_trials_note_and_figure(digits, tmp_path) -> None:
    """The address that the command prints leads to the study: its trials, our verdict in words, our forest plot."""
    plots = (
        "[...document.querySelectorAll('.js-plotly-plot')].map(p => p.textContent).filter(t => t.includes('Paired'))"
    )
    body = "document.body.innerText"
    with _command(digits, "--study-name", "digits") as address, Browser() as browser:
        page = _seen(browser, address, plots, f"{plots}.length", picture=True, height=2000)
        (tmp_path / "study.png").write_bytes(page.screenshot)
        [figure] = page.answers["text"]
        assert "Paired differences to " in figure
        assert "difference (points)" in figure
        assert any(family in figure for family in ("constant", "square_root"))
        trials = _seen(browser, f"{address}/trials", body, f"{body}.includes('Trial 3')").answers["text"]
        assert "4 Trials" in trials
        assert all(f"Trial {number}\n" in trials for number in range(4))
        note = _seen(browser, f"{address}/note", body, f"{body}.includes('How sure')")
        verdict = lrsearch.compare(load_study(open_storage(digits), "digits")).verdict_text
        assert verdict in note.answers["text"]
        assert "A tiny search on digits" in note.answers["text"]


@pytest.mark.integration
def test_the_command_refuses_changes_unless_allowed(digits) -> None:
    """POST and DELETE, which the page itself would send, get 405; with --allow-edit they are done."""
    new = json.dumps({"study_name": "new", "directions": ["minimize"]}).encode()
    with _command(digits) as address:
        api = f"{address.removesuffix('/dashboard')}/api/studies"
        assert [405, 405] == [_ask(api, "POST", new)[0], _ask(f"{api}/1", "DELETE")[0]]
    with _command(digits, "--allow-edit") as address:
        api = f"{address.removesuffix('/dashboard')}/api/studies"
        code, answer = _ask(api, "POST", new)
        assert 201 == code
        assert 204 == _ask(f"{api}/{json.loads(answer)['study_summary']['study_id']}", "DELETE")[0]
