"""PostgreSQL, on a real server: every command, two machines that begin at once, and a server that goes and comes."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lrsearch.errors import InputError, RunError
from lrsearch.experiment.options import RunOptions
from lrsearch.experiment.workload_experiment import WorkloadExperiment
from lrsearch.report.dashboard import make_dashboard
from lrsearch.search.optimize import _search_in_process, prepare_studies, run_search
from lrsearch.storage import load_study, open_existing, open_storage, records, reopen_storage
from lrsearch.storage.database import patience as lrsearch_patience
from tests.postgres_server import PASSWORD, PostgresServer, binaries, postgres_server
from tests.report.report_helpers import fill, small_config
from tests.search.run_helpers import make_config
from tests.storage.test_trial_queries import assert_the_same_as_optunas_interface
from tests.storage.test_trial_queries import fill as fill_oddly

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed (apt-get install postgresql)"),
    # A connection whose server crashed is dropped by SQLAlchemy as it is; the driver complains that it was not closed.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
pytest.importorskip("psycopg", reason="needs lrsearch[postgres]")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Return a server that the tests of this file share; each test has a study name of its own."""
    with postgres_server() as running:
        yield running


def _finished(url: str, name: str):
    return [record for record in records(load_study(open_storage(url), name)) if record.finished]


def test_counts_and_lists_are_those_of_optunas_interface() -> None:
    """The server's own answers about studies of any kind; on a server of its own, which holds nothing else."""
    with postgres_server() as alone:
        storage = open_storage(alone.url)
        fill_oddly(storage, seed=5)
        assert_the_same_as_optunas_interface(storage)


def test_every_command_works_and_none_shows_the_password(server, run, study_file) -> None:
    """The address of a server goes wherever that of a file goes, also without the driver's name."""
    url = server.url.replace("+psycopg", "")
    kept, one = ("--storage", url, "--study-name", "all"), ("--workers", "1", "--device", "cpu")
    outcomes = [
        run("optimize", study_file, *kept, *one),
        run("confirm", study_file, *kept, *one, "--blocks", "6"),
        run("compare", *kept),
        run("report", *kept, "-o", "report.html"),
        run("export", *kept, "-o", "best.toml"),
        run("trials", *kept, "--format", "json"),
        run("studies", "--storage", url),
        run("doctor", "--storage", url, "--workload", "tests.workload_examples:tabular", "--device", "cpu"),
    ]
    assert [0] * len(outcomes) == [outcome.code for outcome in outcomes], [outcome.err for outcome in outcomes]
    assert 6 == len(json.loads(outcomes[5].out))
    shown = "".join(outcome.out + outcome.err for outcome in outcomes)
    written = (study_file.parent / "report.html").read_text() + (study_file.parent / "best.toml").read_text()
    assert PASSWORD not in shown + written
    assert "lrsearch:***@127.0.0.1" in outcomes[-1].out
    backup = run("backup", "--storage", url)
    assert (
        f"pg_dump --format=custom --file=lrsearch.dump 'postgresql://lrsearch@127.0.0.1:{server.port}"
        in backup.complaint
    )


def test_the_dashboard_reads_it(server) -> None:
    """optuna-dashboard lists the studies of a server."""
    open_storage(server.url)
    with make_dashboard(open_existing(server.url), host="127.0.0.1", port=0, allow_edit=False) as served:
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{served.server_port}/api/studies", timeout=30) as answer:
            assert 200 == answer.status
        served.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def reader(server) -> tuple[str, str]:
    """Return the addresses of a database that holds a confirmed search: the owner's, and that of a role that reads."""
    _create_database(server, "kept")
    url = server.url.replace("/postgres", "/kept")
    fill(open_storage(url), small_config(name="tab"))
    with _connected(url) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'r3ader'")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    return url, url.replace(f"lrsearch:{PASSWORD}", "reader:r3ader")


def test_a_role_that_may_only_read_reads_everything(run, reader) -> None:
    """With SELECT alone every command prints what it prints to the owner; compare says what it leaves out."""
    commands = [("compare",), ("export",), ("trials",), ("studies",), ("report", "-o", "{}.html")]
    for command, *more in commands:
        both = [run(command, *(flag.format(n) for flag in more), "--storage", url) for n, url in enumerate(reader)]
        assert [0, 0] == [outcome.code for outcome in both], both[1].err
        assert both[0].out.replace("lrsearch:***", "reader:***") == both[1].out
        told = "dashboard's pages of this study do not get this verdict: the storage failed: permission denied"
        assert (command == "compare") == (told in both[1].err)
    assert Path("0.html").read_text() == Path("1.html").read_text()


def test_a_search_that_may_not_write_is_one_line(run, study_file, reader) -> None:
    """The line names the right that is missing, and nothing is changed."""
    ended = run("optimize", study_file, "--storage", reader[1], "--study-name", "new", "--device", "cpu")
    assert 1 == ended.code
    assert 1 == len(ended.err.splitlines()), ended.err
    assert "permission denied for table studies: this role may not do that: to read it needs GRANT SELECT" in ended.err
    assert "new" not in run("studies", "--storage", reader[1]).out


def test_reading_an_empty_database_makes_nothing_in_it(server, run, study_file) -> None:
    """A reading command says that nothing is there yet, a plan needs none, the doctor knows it: no table is made."""
    _create_database(server, "bare")
    url = server.url.replace("/postgres", "/bare")
    for command in ("compare", "report", "export", "trials", "studies", "dashboard"):
        assert "is empty or another program's database" in run(command, "--storage", url).complaint
    assert 0 == run("plan", study_file, "--storage", url, "--device", "cpu", "--workers", "1").code
    assert "does not exist yet" in run("doctor", "--storage", url, "--dataset", "digits", "--device", "cpu").out
    with _connected(url) as connection:
        assert [] == connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()


@pytest.mark.slow
def test_the_same_command_on_two_machines_shares_one_study(server, folder) -> None:
    """Two processes that begin on an empty database at the same moment make one study and reach its total exactly."""
    program = (
        "import sys\n"
        "from lrsearch.search.optimize import RunOptions, run_search\n"
        "from tests.search.run_helpers import make_config\n"
        "config = make_config(search__trials=12)\n"
        "run_search(config, RunOptions(storage=sys.argv[1], study_name='two', workers=1, lanes=2, device='cpu'))\n"
    )
    _create_database(server, "fresh")
    url = server.url.replace("/postgres", "/fresh")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, url]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    errors = [process.communicate(timeout=600)[1] for process in running]
    assert [0, 0] == [process.returncode for process in running], errors
    assert {"constant": 4, "cosine": 4, "one_cycle": 4} == Counter(record.family for record in _finished(url, "two"))


def _create_database(server: PostgresServer, name: str) -> None:
    with _connected(server.url) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')


def _connected(url: str):
    import psycopg

    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((PASSWORD, "wrong"), "password authentication failed.*: give user and password"),
        (("/postgres", "/none"), 'database "none" does not exist: make it first'),
    ],
    ids=["password", "database"],
)
def test_what_a_server_refuses_is_one_line_with_what_to_do(server, change, said) -> None:
    """A wrong password or database is refused at once, with the remedy and without any password."""
    begun = time.monotonic()
    with pytest.raises(InputError, match=said) as caught:
        open_storage(server.url.replace(*change))
    assert change[1] not in str(caught.value).replace("/none'", "").replace('"none"', "")
    with pytest.raises(RunError, match=said):  # nor does a process of a run wait for what does not pass
        reopen_storage(server.url.replace(*change))
    assert time.monotonic() - begun < 60  # patience would be ten minutes


def test_a_missing_driver_is_one_line(run, study_file, monkeypatch) -> None:
    """Exit code 2, and the command that installs it."""
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "psycopg" else find(name, *more)
    )
    complaint = run("optimize", study_file, "--storage", f"postgresql://me:{PASSWORD}@127.0.0.1/db").complaint
    assert "its driver is missing; pip install 'lrsearch[postgres]'" in complaint
    assert PASSWORD not in complaint


def test_a_call_waits_for_a_server_that_comes_back(caplog, monkeypatch) -> None:
    """A server that crashes and starts again two seconds later costs two lines on standard error, and no call."""
    monkeypatch.setattr(lrsearch_patience, "_UNHEARD_SECONDS", 0.0)
    with postgres_server() as server:
        storage = open_storage(server.url)
        config = make_config(search__trials=1)
        studies, _ = run_search(config, RunOptions(storage=server.url, workers=1, device="cpu"))
        server.stop("immediate")
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: time.sleep(2) or server.start())
            assert "tab" in {study.study_name for study in storage.get_all_studies()}
            studies[0].enqueue_trial({"family": "cosine"})
            assert ["COMPLETE", "WAITING"] == [trial.state.name for trial in studies[0].get_trials()]
    said = caplog.text
    assert "the storage does not answer" in said
    assert "the storage answers again" in said


def test_a_process_of_a_run_that_starts_waits_for_a_server_that_comes_back() -> None:
    """While a server is away a command is refused at once, and a process that a run starts searches when it is back."""
    config = make_config(search__trials=3)
    with postgres_server() as server:
        options = RunOptions(storage=server.url, workers=2, device="cpu")
        experiment = WorkloadExperiment.prepare(config, device="cpu")
        prepare_studies(experiment, options, open_storage(server.url))
        server.stop("immediate")
        begun = time.monotonic()
        with pytest.raises(InputError, match=r"cannot be opened: .*is the server running and reachable"):
            open_storage(server.url)
        assert time.monotonic() - begun < 60  # patience would be ten minutes
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: time.sleep(2) or server.start())
            times = _search_in_process(options.worker_payload(experiment), options, None, 0)
        assert 3 == len(_finished(server.url, "tab"))
        assert times.trial_epochs >= 3


@pytest.mark.slow
def test_a_restarted_server_under_four_workers_costs_no_trial(folder) -> None:
    """Twice stopped as by a crash while four processes work: exact total, nothing lost, nothing twice."""
    with postgres_server() as server:
        config = make_config(search__trials=120, search__pruner="none", training__epochs=8)
        options = RunOptions(storage=server.url, workers=4, lanes=2, device="cpu")
        seen: list[dict[int, object]] = []

        ended = threading.Event()

        def disturb() -> None:
            for wanted in (15, 50):
                while _count(server.url) < wanted:
                    assert not ended.wait(0.3)
                seen.append({record.number: record.value for record in _finished(server.url, "tab")})
                server.stop("immediate")
                time.sleep(4)
                server.start()

        with ThreadPoolExecutor(1) as pool:
            disturbed = pool.submit(disturb)
            try:
                run_search(config, options)
            finally:
                ended.set()
            disturbed.result()
        trials = _finished(server.url, "tab")
        assert 120 == len(trials)
        assert 120 == len({tuple(sorted(record.params.items())) for record in trials})
        assert all(list(range(1, 9)) == sorted(record.reported) for record in trials)
        values = {record.number: record.value for record in trials}
        assert all(before.items() <= values.items() for before in seen)
        left = Counter(record.state for record in records(load_study(open_storage(server.url), "tab")))
        assert 0 == left["running"] + left["waiting"]


def _count(url: str) -> int:
    try:
        return len(_finished(url, "tab"))
    except InputError:  # the study is being made
        return 0
