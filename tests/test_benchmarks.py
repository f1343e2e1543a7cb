import json
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

import lrsearch
from lrsearch.training.data import Part
from lrsearch.training.modules.layout import ModuleLayout
from lrsearch.training.modules.stacked import StackedModule
from lrsearch.training.optimizers.rule import OptimizerSettings, UpdateRule, settings_columns
from lrsearch.training.program import EpochProgram
from tests.cuda_stand_in import stand_in
from tests.workload_examples import batch_norm, tabular_data

FOLDER = Path(__file__).parent.parent / "studies" / "benchmarks"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch, tmp_path):
    """Let the scripts find each other as they do when they are run, and leave no setting behind."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("BENCHMARK_DATASET", "")
    monkeypatch.setenv("BENCHMARK_EXAMPLES", "")
    monkeypatch.setenv("PYTHONPATH", str(Path(lrsearch.__file__).parent.parent))
    monkeypatch.chdir(tmp_path)


def result(tmp_path, script, *arguments):
    """Run a script's main and return its exit code and what it wrote to `--json`."""
    path = tmp_path / "result.json"
    code = import_module(script).main([*map(str, arguments), "--json", str(path)])
    return code, json.loads(path.read_text())


def test_a_step_is_measured(tmp_path, capsys):
    """Every way to train takes part, and is held against the article's loop."""
    _, output = result(tmp_path, "bench_step", "--rounds", 2, "--steps", 1, "--lanes", 1, "--batch-size", 8)
    rates = {row["candidate"]: row["times_the_article"] for row in output["rows"]}
    assert {"article", "in-memory nn.Sequential", "lrsearch, N = 1", "lrsearch without Numba, N = 1"} == set(rates)
    assert 1.0 == rates["article"]
    assert "lrsearch, N = 1" in capsys.readouterr().out


@pytest.mark.integration
def test_workloads_are_measured(tmp_path, capsys):
    """Every way that a model trains in takes part; what vmap has no rule for trains alone, and auto says so."""
    sizes = ("--models", "LSTM", "MLP", "--lanes", 2, "--rounds", 1)
    _, output = result(tmp_path, "bench_workloads", *sizes)
    names = {(row["model"], row["candidate"]) for row in output["rows"]}
    of_lstm = {("LSTM", candidate) for candidate in ("plain loop", "alone", "auto, 2 lanes")}
    assert names == of_lstm | {("MLP", name) for _, name in of_lstm} | {("MLP", "2 side by side")}
    assert all(row.get("milliseconds", row.get("times_alone")) > 0 for row in output["rows"])
    assert "2 side by side" in capsys.readouterr().out


@pytest.mark.integration
def test_searches_do_the_same_work(tmp_path, capsys, monkeypatch):
    """Each search that is installed finishes the same trials and epochs; one that is not says so."""
    sizes = ("--dataset", "digits", "--examples", 240, "--batch-size", 50, "--trials", 2, "--epochs", 2)
    monkeypatch.setitem(sys.modules, "ray", None)  # Ray takes longer to start than this test may
    _, output = result(tmp_path, "bench_search", *sizes, "--rounds", 1, "--jobs", 1, "--seconds", 0.5)
    complete = {row["search"]: (row["complete"], row["turns"][0]["epochs"]) for row in output["finish"] if row["turns"]}
    assert 3 == len(complete)
    assert {(2, 4)} == set(complete.values())
    assert "not installed" in capsys.readouterr().out
    assert 4 == len(output["fixed_time"])


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="needs the dependency group benchmarks")
@pytest.mark.filterwarnings("default")  # Ray's own
def test_ray_does_the_same_work(tmp_path):
    """Ray Tune with ASHA finishes as many trials and epochs as the others."""
    sizes = ("--dataset", "digits", "--examples", 240, "--batch-size", 50, "--trials", 2, "--epochs", 2)
    _, output = result(tmp_path, "bench_search", *sizes, "--rounds", 1, "--jobs", 1)
    (row,) = (row for row in output["finish"] if row["search"].startswith("Ray"))
    assert (2, 4) == (row["complete"], row["turns"][0]["epochs"])


def test_the_cost_of_the_search_is_measured_by_length(tmp_path, capsys):
    """Every part of the cost is there for every length, with the ratio of the last two."""
    _, output = result(tmp_path, "bench_overhead", "--trials", 3, 6, "--epochs", 2, "--pruner", "none")
    assert [3, 6] == [row["trials"] for row in output["rows"]]
    assert [2.0, 2.0] == [row["epochs_per_trial"] for row in output["rows"]]
    assert all(row["sampler"] > 0 and row["storage"] > 0 for row in output["rows"])
    expected = output["rows"][1]["processor"] / output["rows"][0]["processor"]
    assert expected == output["longest_over_the_one_before"]["processor"]


@pytest.mark.integration
def test_every_part_for_the_gpu_runs_on_the_cpu(tmp_path, capsys):
    """The whole script for a GPU runs in its small size, agrees with the reference, and fails nowhere."""
    code, output = result(tmp_path, "bench_gpu", "--device", "cpu", "--small")
    assert 0 == code, capsys.readouterr().out
    assert set(import_module("gpu_parts").PARTS) == set(output["parts"])
    assert all(row["ok"] for part in ("step", "epochs") for row in output["parts"][part]["rows"])
    assert ["none", "rungs"] == [row["pruner"] for row in output["parts"]["search"]["rows"]]


def test_a_failing_part_costs_no_other(tmp_path, capsys, monkeypatch):
    """A part that raises is reported with its traceback, the others run, and the exit code says so."""
    parts = import_module("gpu_parts").PARTS
    monkeypatch.setitem(parts, "eager", lambda setting: 1 / 0)
    code, output = result(tmp_path, "bench_gpu", "--device", "cpu", "--small", "--part", "eager", "limit")
    assert 1 == code
    assert "ZeroDivisionError" in output["parts"]["eager"]["failed"]
    assert output["parts"]["limit"]["rows"][0]["tflops"] > 0


@pytest.mark.integration
def test_parts_run_in_processes_of_their_own(tmp_path, capsys):
    """A part that runs apart brings back its rows."""
    code, output = result(tmp_path, "bench_gpu", "--device", "cpu", "--small", "--part", "limit", "--apart")
    assert 0 == code, output
    assert "fp32" == output["parts"]["limit"]["rows"][0]["type"]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("script", "flags"),
    [
        ("gpu_precision", ()),
        ("gpu_search", ("--part", "warm")),
        ("gpu_modules", ()),
        ("gpu_runs", ("--part", "run")),
        ("gpu_verdict", ()),
    ],
)
def test_the_questions_for_a_gpu_are_asked_of_the_cpu(tmp_path, capsys, script, flags):
    """Each script runs in its small size, finds nothing wrong, and says that its figures are none of a GPU."""
    code, output = result(tmp_path, script, "--device", "cpu", "--small", *flags)
    assert 0 == code, capsys.readouterr().out
    assert ("cpu", False) == (output["machine"]["device"], output["on_gpu"])
    assert all(part["rows"] for part in output["parts"].values())


def test_a_part_that_stands_in_the_file_is_not_run_again(tmp_path, capsys):
    """One that failed is, one that was not done goes on from its rows, and another machine's figures are left alone."""
    in_parts, calls = import_module("in_parts"), []

    def slow(args):
        calls.append(len(args.earlier))
        rows = [*args.earlier, {"call": len(calls)}]
        if len(calls) < 3:
            raise in_parts.Unfinished(rows)
        return rows

    def run(file, *flags):
        parts = {"slow": slow, "broken": lambda args: 1 / 0}
        return in_parts.run_script("", parts, ["--json", str(tmp_path / file), *flags], small={})

    cpu, path = ("a.json", "--device", "cpu"), tmp_path / "a.json"
    assert [1, 1, 0, 0] == [
        run(*cpu),
        run(*cpu, "--part", "1", "2"),
        run(*cpu, "--part", "slow"),
        run(*cpu, "--part", "1"),
    ]
    assert [0, 1, 2] == calls
    output = json.loads(path.read_text())
    assert [{"call": 1}, {"call": 2}, {"call": 3}] == output["parts"]["slow"]["rows"]
    assert "ZeroDivisionError" in output["parts"]["broken"]["failed"]
    output["machine"]["device"] = "NVIDIA H100"
    path.write_text(json.dumps(output))
    assert [2, 2] == [run(*cpu), run("b.json")]
    errors = capsys.readouterr().err
    assert "was begun with device NVIDIA H100, and this is cpu: give another --json" in errors
    assert "PyTorch sees no GPU here" in errors
    assert not (tmp_path / "b.json").exists()


def test_lanes_in_branches_replay_to_the_numbers_of_vmap(monkeypatch):
    """With BatchNorm, two branches for three lanes: recorded once on the stand-in for CUDA, and replayed."""
    workload, data = batch_norm(), tabular_data()
    whole = Part(data.train_x.double(), data.train_y, torch.arange(24))
    layout = ModuleLayout(workload, whole.x[:4], whole.y[:4], device=torch.device("cpu"), dtype=torch.float64)
    params = torch.stack([layout.init(lane) for lane in range(3)])
    settings = settings_columns([OptimizerSettings()] * 3, params)
    given = (settings, params.new_zeros(3, 1), params.new_full((3, 2), 0.1), whole.index.view(3, 2, 4))

    def epoch(model, pool=None):
        sizes = {"lanes": 3, "own_batches": True, "steps": 2, "batch_size": 4, "dtype": torch.float64, "pool": pool}
        program = EpochProgram(model, UpdateRule(), whole, **sizes)
        after, _, losses = program.run(params, [], *given)
        return program, after, losses

    _, *expected = epoch(StackedModule(layout))
    stand_in(monkeypatch)
    program, *actual = epoch(import_module("gpu_branches").BranchedModule(layout, 2), "the pool")
    assert len(program._graph.operations) > 50
    torch.testing.assert_close(actual, expected)


@pytest.mark.integration
def test_a_part_that_takes_too_long_is_stopped(tmp_path, capsys):
    """The seconds of a part bound it; what was left out is no success."""
    small = ("--device", "cpu", "--small", "--part", "limit", "--apart")
    code, output = result(tmp_path, "bench_gpu", *small, "--seconds", 0.1)
    assert 1 == code
    assert "no end after 0 seconds (--seconds)" in output["parts"]["limit"]["failed"]


def test_a_wrong_gradient_is_found(tmp_path, capsys, monkeypatch):
    """The comparison with the reference fails where a gradient is off by a millionth."""
    checks = import_module("gpu_checks")
    right = checks.LenetStack.loss_and_grad

    def wrong(self, params, x, y):
        loss, gradient = right(self, params, x, y)
        return loss, gradient * (1 + 1e-6)

    monkeypatch.setattr(checks.LenetStack, "loss_and_grad", wrong)
    code, output = result(tmp_path, "bench_gpu", "--device", "cpu", "--small", "--part", "step")
    assert 1 == code
    assert ["gradient, float64, shared batch", "gradient, float64, own batches"] == [
        row["what"] for row in output["parts"]["step"]["rows"] if not row["ok"]
    ]


def sampler_cells(tmp_path, *arguments):
    """Run bench_sampler in a small size and return its cells."""
    small = ("--cases", "1, 8, 1", "--budgets", 2, "--lanes", 2, "--noise", 0.3)
    return result(tmp_path, "bench_sampler", *small, *arguments)[1]["cells"]


def test_samplers_are_measured_and_a_finished_search_is_not_run_again(tmp_path, capsys):
    """A cell for each sampler, none above the optima; a second call adds the missing seed and keeps the rest."""
    cells = sampler_cells(tmp_path, "--seeds", 1)
    assert list(import_module("sampler_runs").PEERS) == [cell["sampler"] for cell in cells]
    assert all(min(cell["at"]["2"]["regret"]) > -0.01 for cell in cells)
    again = sampler_cells(tmp_path, "--seeds", 2, "--samplers", "random")
    assert cells == again[:-1]
    assert ("random", 1) == (again[-1]["sampler"], again[-1]["seed"])
    assert (
        "cases chosen, no rate diverges; noise 0.3, lanes 2, 2 trials a family, pruner none" in capsys.readouterr().out
    )


@pytest.mark.parametrize(("pruner", "low", "high"), [("none", 85, 85), ("rungs", 88, 168)])
def test_with_a_pruner_the_same_epochs_hold_more_trials(tmp_path, pruner, low, high):
    """In seven trials' worth of epochs for each of 12 families (and one lane on the way) more trials are begun."""
    more = ("--pruner", pruner, "--budgets", 7, "--samplers", "random", "--seeds", 1)
    (cell,) = sampler_cells(tmp_path, *more)
    assert low <= cell["at"]["7"]["trials"] <= high


def test_the_summary_of_cells():
    """Means over seeds, then cases; the worst family is that of a case; errors are over seeds."""
    cells = [
        {"case": case, "regret": regret, "best": 0.0, "tau": 1.0}
        for case, regret in [("a", [1, 3]), ("a", [1, 5]), ("b", [2, 0]), ("b", [2, 0])]
    ]
    output = import_module("bench_sampler").summary(cells)
    assert pytest.approx((1.75, 0.25)) == output["families"]
    assert pytest.approx((3.0, 0.5)) == output["worst"]


def test_the_stored_optima_are_those_that_the_script_finds():
    """A smaller search for an optimum comes close to the stored one, and not above it."""
    cases = import_module("sampler_cases")
    output = cases.best_of(cases.CASES[0], "cosine", points=256, rounds=8)["score"]
    assert pytest.approx(cases.optima(cases.CASES[0])["cosine"], abs=0.05) == output
    assert output < cases.optima(cases.CASES[0])["cosine"] + 1e-3


@pytest.mark.integration
def test_fairness_is_measured(tmp_path, capsys):
    """The six families alone and in every company, each against a twentieth of the TPE's regret."""
    _, output = result(tmp_path, "bench_fairness", "--cases", 1, "--seeds", 1, "--trials", 3)
    companies = import_module("bench_fairness").COMPANY
    assert ["alone", *companies] == [cell["company"] for cell in output["cells"]]
    assert [6, 6, 12, 12, 12, 7] == [len(cell["at"]["3"]["regret"]) for cell in output["cells"]]
    printed = capsys.readouterr().out
    assert all(printed.count(company) == 7 for company in list(companies)[1:])


@pytest.mark.integration
def test_real_searches_are_compared(tmp_path, capsys, monkeypatch):
    """Both samplers search, every family's winner is trained on six fresh seeds, and a second call trains nothing."""
    monkeypatch.setitem(import_module("bench_real_searches").SETS, "digits", (1, 256))
    arguments = ("--sets", "digits", "--searches", 1, "--trials", 13, "--folder", tmp_path)
    _, output = result(tmp_path, "bench_real_searches", *arguments)
    assert ["tpe", "gp"] == [search["sampler"] for search in output["searches"]]
    assert all({6} == {len(scores) for scores in search["scores"].values()} for search in output["searches"])
    assert output["searches"] == result(tmp_path, "bench_real_searches", *arguments)[1]["searches"]


def test_real_searches_are_paired(tmp_path, capsys):
    """The table holds the mean over families, the worst and the best, of searches that both samplers have made."""
    bench = import_module("bench_real_searches")
    rows = [("tpe", 0, 80), ("gp", 0, 90), ("tpe", 1, 82), ("gp", 1, 90), ("gp", 2, 50)]
    output = [
        {"set": "digits", "sampler": sampler, "seed": seed, "scores": {"cosine": [mean - 1, mean + 1], "step": [70]}}
        for sampler, seed, mean in rows
    ]
    lines = list(bench.table(output))
    assert ["mean", "over", "families", "2", "75.50", "80.00", "4.50", "±", "0.50"] == lines[1].split()[1:]
    assert ["best", "family", "2", "81.00", "90.00", "9.00", "±", "1.00"] == lines[3].split()[1:]


@pytest.mark.integration
def test_a_training_function_is_held_against_its_script(tmp_path, capsys, monkeypatch):
    """Both make the same updates, and every report is timed."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("BENCH_RUNS_TIMES", "")
    _, output = result(tmp_path, "bench_runs", "--steps", 4, "--reports", 2, "--rounds", 1, "--timed-reports", 4)
    assert 1 == len(output["seconds"]["wall"]["plain"]) == len(output["seconds"]["wall"]["run"])
    assert 0 < output["inside_share"] < 1
    assert all(0 < ms["median"] <= ms["p99"] <= ms["most"] for ms in output["report_ms"].values())
    assert "answered" in capsys.readouterr().out
