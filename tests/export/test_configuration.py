"""From a study to a document: what it holds, in every format, and what is refused."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import stats

from lrsearch.__main__ import main
from lrsearch.config import StudyConfig
from lrsearch.confirmation.confirm import run_confirm
from lrsearch.errors import InputError
from lrsearch.experiment.options import RunOptions
from lrsearch.export import (
    FORMATS,
    best_trials,
    configuration,
    exported,
    format_of,
    load_configuration,
    render,
    write_files,
)
from lrsearch.export.stored import recommended_trials
from lrsearch.schedules import schedule_from_params
from lrsearch.search.optimize import run_search
from lrsearch.storage import StoredStudy
from lrsearch.verdict.study_verdict import compare_study
from tests.export.documents import document, example

FAMILIES = ("cosine", "step", "constant")
STUDY = {
    "name": "small",
    "workload": "tests.workload_examples:tabular",
    "training": {"epochs": 2},
    "optimizer": {"momentum": 0.5},
    "search": {"families": FAMILIES, "trials": 6, "pruner": "none"},
    "baseline": [{"name": "flat", "family": "constant", "base_lr": 0.2, "interval": "epoch", "lag": True}],
}


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    """Search six trials and confirm in six blocks."""
    url = f"sqlite:///{tmp_path_factory.mktemp('export')}/study.db"
    config, options = StudyConfig.from_dict(STUDY), RunOptions(storage=url, device="cpu", workers=1)
    run_search(config, options)
    run_confirm(config, options, blocks=6)
    return url


@pytest.fixture(scope="module")
def source(storage):
    return StoredStudy.open(storage)


def test_the_document_is_the_best_trial_and_what_produced_it(source):
    """Every table holds what the storage holds of that trial."""
    [(part, trial)] = best_trials(source)
    best = max(part.records, key=lambda record: record.value)
    found = configuration(source, part, trial)
    assert best.number == trial.number == found["provenance"]["trial"]
    assert best.value == found["scores"]["search_value"]
    assert best.schedule == found["schedule"] == schedule_from_params(found["schedule"]).params()
    assert {"name": "sgd", "momentum": 0.5, "nesterov": False, "weight_decay": 0.0} == found["optimizer"]
    seeds = {"split": part.attributes.split_seed, "init": best.init_seed}
    assert seeds == {name: found["training"]["seeds"][name] for name in seeds}
    assert (2, STUDY["workload"]) == (found["training"]["epochs"], found["training"]["workload"])
    assert {"dataset", "batch_size"}.isdisjoint(found["training"])  # the workload's own
    assert part.attributes.data_fingerprint == found["provenance"]["data_fingerprint"]


def test_scores_of_a_confirmation_have_a_t_interval(source):
    """Mean, SD and interval are those of SciPy over the blocks of that configuration."""
    [(part, trial)] = best_trials(source, "cosine")
    scores = configuration(source, part, trial)["scores"]["confirmation"]
    values = [run.value for run in source.confirmation.runs if run.family == "cosine"]
    assert 6 == len(values) == scores["blocks"]
    mean, sd = np.mean(values), np.std(values, ddof=1)
    expected = stats.t.interval(0.95, 5, loc=mean, scale=sd / np.sqrt(6)) if sd else (mean, mean)
    assert pytest.approx((mean, sd, *expected)) == tuple(scores[name] for name in ("mean", "sd", "low", "high"))


def test_a_trial_that_was_not_confirmed_has_no_confirmation(source):
    """The second best of a family is another configuration."""
    _, (part, second) = best_trials(source, "cosine", top=2)
    assert "confirmation" not in configuration(source, part, second)["scores"]


def test_a_baseline_is_exported_as_it_was_confirmed(source):
    """An entry of the confirmation, by its name: its schedule by the epoch, late as it was, and its block's seeds."""
    [(part, trial)] = best_trials(source, "flat")
    found = configuration(source, part, trial)
    assert ("epoch", 0.2, 2) == (
        found["training"]["interval"],
        found["schedule"]["lag_lr"],
        found["training"]["epochs"],
    )
    assert found["training"]["seeds"]["split"] == trial.split_seed
    assert "search_value" not in found["scores"]
    assert 6 == found["scores"]["confirmation"]["blocks"]


@pytest.mark.parametrize("form", ["yaml", "json", "toml"])
def test_documents_come_back_unchanged(source, tmp_path, form):
    """Each document format holds every number to the last bit, and reads back as the same configuration."""
    [(part, trial)] = best_trials(source, "step")
    written = configuration(source, part, trial)
    text = render(written, form)
    parse = {"yaml": yaml.safe_load, "json": json.loads, "toml": tomllib.loads}[form]
    assert written == parse(text)
    path = tmp_path / f"best.{form}"
    path.write_text(text, encoding="utf-8")
    assert written["schedule"] == load_configuration(path).schedule


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "hf"])
def test_every_format_says_where_it_comes_from_and_what_it_scored(source, form):
    """Provenance and scores with their interval are in each."""
    [text] = exported(source, form, family="constant").values()
    for word in ("data_fingerprint", "confirmation", "low", "high", "search_value", "small"):
        assert word in text


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    """Search and confirm a metric of its own that is to be small; return the source."""
    url = f"sqlite:///{tmp_path_factory.mktemp('regression')}/study.db"
    changes = {"name": "error", "workload": "tests.workload_examples:regression", "baseline": []}
    changes |= {"ranges": {"base_lr": {"low": 0.001, "high": 0.02}, "warmup_steps": {"low": 0, "high": 0}}}
    config = StudyConfig.from_dict({**STUDY, **changes, "search": {**STUDY["search"], "families": ("constant",)}})
    options = RunOptions(storage=url, device="cpu", workers=1)
    run_search(config, options)
    run_confirm(config, options, blocks=6)
    return StoredStudy.open(url)


@pytest.mark.parametrize("form", FORMATS)
def test_a_metric_that_is_to_be_small_is_exported_under_its_name(regression, form):
    """Its name, its direction and its interval are in every format, and the best is the smallest."""
    [(part, trial)] = best_trials(regression)
    assert min(r.value for r in part.records if r.value is not None) == trial.value
    scores = configuration(regression, part, trial)["scores"]
    assert ("squared error", "minimize", trial.value) == tuple(
        scores[name] for name in ("metric", "direction", "search_value")
    )
    confirmed = scores["confirmation"]
    assert confirmed["low"] < confirmed["mean"] < confirmed["high"]
    [text] = exported(regression, form).values()
    for value in ("squared error", "minimize", repr(confirmed["low"]), repr(confirmed["high"])):
        assert value in text


def test_csv_is_the_rate_of_every_update(source):
    """Below the comment lines, step and rate of the whole run."""
    [(part, trial)] = best_trials(source, "cosine")
    found = configuration(source, part, trial)
    table = np.loadtxt(render(found, "csv").splitlines(), delimiter=",", comments=["#", "step"])
    schedule = schedule_from_params(found["schedule"])
    np.testing.assert_array_equal(schedule.lr(np.arange(schedule.total_steps)), table[:, 1])
    np.testing.assert_array_equal(np.arange(schedule.total_steps), table[:, 0])


@pytest.mark.parametrize(("steps", "epochs"), [(101, 11), (40, 4), (1, 1)])
def test_another_budget_keeps_every_fraction(source, steps, epochs):
    """--steps is scaled_to; the epochs are as many as it takes (an epoch has ten updates here)."""
    [(part, trial)] = best_trials(source, "step")
    found = configuration(source, part, trial, steps=steps)
    original = schedule_from_params(trial.schedule)
    assert original.scaled_to(steps).params() == found["schedule"]
    assert (epochs, 20) == (found["training"]["epochs"], found["provenance"]["rescaled_from_total_steps"])
    assert 20 == found["scores"]["measured_at_total_steps"]


def test_the_top_are_ranked_over_all_replicates_and_written_to_a_folder(source, tmp_path):
    """Best first, one file each."""
    ranked = [trial.value for _, trial in best_trials(source, top=6)]
    assert sorted(ranked, reverse=True) == ranked
    places = write_files(exported(source, "yaml", top=3), tmp_path / "best", as_folder=True)
    assert ["01", "02", "03"] == [place.name[:2] for place in places]
    scores = [load_configuration(place).scores["search_value"] for place in places]
    assert ranked[:3] == scores


def test_what_is_not_there_is_said(source, storage):
    """Too few trials, an unknown study, no confirmation: one line each, with what there is."""
    with pytest.raises(
        InputError, match=r"3 complete trials of cosine were asked for, got 2 in .*; complete are: .*flat"
    ):
        best_trials(source, "cosine", top=3)
    with pytest.raises(InputError, match="no study 'other' in this storage; there are: small"):
        StoredStudy.open(storage, "other")
    with pytest.raises(InputError, match="nothing is recommended before it is confirmed"):
        recommended_trials(replace(source, confirmation=None))
    with pytest.raises(InputError, match=r"no complete trial of .*; complete are: [^()]*$"):
        best_trials(source, "cosine (A/A)")  # a control of the confirmation is nobody's configuration
    with pytest.raises(InputError, match=r"steps must be at most \d+ \(10000 epochs of \d+\), got 99999999"):
        exported(source, "yaml", steps=99_999_999)
    with pytest.raises(InputError, match="format must be one of yaml, json"):
        render(document(example("cosine")), "xml")


def test_the_recommended_are_those_of_the_verdict(source, tmp_path):
    """One file for each entry that compare does not show to be worse than the best; baselines count."""
    names = compare_study(source).recommended
    files = exported(source, "json", recommended=True)
    families = ["constant" if name == "flat" else name for name in names]
    assert families == [json.loads(text)["schedule"]["family"] for text in files.values()]


def test_the_command_prints_or_writes(storage, tmp_path, capsys):
    """Standard output holds the document alone; a file's suffix names its format; several need a folder."""
    assert 0 == main(["export", "--storage", storage, "--format", "json"])
    printed = json.loads(capsys.readouterr().out)
    assert 0 == main(["export", "--storage", storage, "-o", str(tmp_path / "best.toml")])
    assert printed == tomllib.loads((tmp_path / "best.toml").read_text())
    assert 2 == main(["export", "--storage", storage, "--top", "2"])
    assert "-o FOLDER" in capsys.readouterr().err
    assert 0 == main(["export", "--storage", storage, "--top", "2", "--format", "python", "-o", str(tmp_path / "two")])
    assert 2 == len(list((tmp_path / "two").glob("*.py")))
    assert 2 == main(["export", "--storage", storage, "--family", "flat", "--format", "hf"])
    assert "transformers cannot express this constant exactly" in capsys.readouterr().err
    late = ["export", "--storage", storage, "--family", "flat", "--format", "timm"]
    assert 2 == main(late)
    assert "this one an epoch late; export --format python can, and --approximate" in capsys.readouterr().err
    assert 0 == main([*late, "--approximate"])
    printed = capsys.readouterr()
    assert "SCHEDULER_ARGUMENTS" in printed.out
    assert "approximate, differs by up to" in printed.err


def test_replicates_are_one_name(tmp_path):
    """NAME stands for the searches NAME/search-00 ..., and one of them can be named."""
    url = f"sqlite:///{tmp_path}/study.db"
    changes = {"search": {"families": ("constant",), "trials": 1, "replicates": 2}, "baseline": []}
    config = StudyConfig.from_dict({**STUDY, **changes})
    run_search(config, RunOptions(storage=url, device="cpu", workers=1))
    assert ["small/search-00", "small/search-01"] == [part.name for part in StoredStudy.open(url, "small").searches]
    assert ["small/search-01"] == [part.name for part in StoredStudy.open(url).only("small/search-01").searches]
    assert 2 == len(best_trials(StoredStudy.open(url), top=2))


def test_a_password_is_not_exported():
    """The provenance holds the storage's address without it."""
    text = render(document(example("cosine"), provenance={"storage": "postgresql://me:***@host/db"}), "python")
    assert "me:***@host" in text


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("a.toml", None, "toml"),
        ("a.yml", None, "yaml"),
        ("a.py", None, "python"),
        ("a.py", "hf", "hf"),
        ("a", None, "yaml"),
    ],
)
def test_the_suffix_names_the_format(tmp_path, name, form, expected):
    """A format that is given wins; a suffix shared by several means the first of them."""
    assert expected == format_of(tmp_path / name, form)
    assert "yaml" == format_of(None, None)


def test_a_suffix_of_no_format_is_refused():
    """A file called notes.txt does not turn out to be YAML, unless that was said."""
    with pytest.raises(InputError, match=r"must be one of .csv, .json, .*got '.txt'; or name the --format"):
        format_of(Path("best.txt"), None)
    assert "yaml" == format_of(Path("best.txt"), "yaml")


WRONG = {
    "an unknown table": ({"shedule": {}}, "unknown key 'shedule'; did you mean 'schedule'"),
    "an unknown key": (
        {"training": {"epochs": 70, "epoch": 3}},
        r"unknown key 'epoch' in \[training\]; .*'epochs'",
    ),
    "an unknown seed": (
        {"training": {"epochs": 70, "seeds": {"inti": 1}}},
        r"unknown key 'inti' in \[training.seeds\]; did you mean 'init'",
    ),
    "an unknown parameter": ({"schedule": {"family": "linear", "total_steps": 9, "base_lr": 1, "gama": 1}}, "'gama'"),
    "no schedule": ({"schedule": None}, "schedule: input should be a valid dictionary, got None"),
    "a wrong number": ({"training": {"epochs": 0}}, "training.epochs: .* greater than or equal to 1, got 0"),
    "a range": ({"optimizer": {"momentum": {"low": 0.1, "high": 0.2}}}, "momentum must be one number, got a range"),
    "two intervals": ({"training": {"epochs": 70, "interval": "epoch"}}, "interval is 'epoch', but the schedule's"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_document_is_named_in_one_line(tmp_path, name):
    """The file, the key and what was meant."""
    change, message = WRONG[name]
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({**document(example("cosine")), **change}))
    with pytest.raises(InputError, match=message) as caught:
        load_configuration(path)
    assert "wrong.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "schedule: [", "is not yaml"),
        ("a.yaml", "!!python/object/apply:os.system [true]", "is not yaml"),
        ("a.json", "{", "is not json"),
        ("a.toml", "a = ", "is not toml"),
        ("a.yaml", "- 1", "must hold the tables schedule and training, got list"),
        ("a.txt", "", "must be a .yaml, .json or .toml file, got .txt"),
    ],
)
def test_what_is_no_document_is_refused(tmp_path, name, text, message):
    """Broken files, code in YAML, other kinds: one line."""
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_configuration(tmp_path / name)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read"):
        load_configuration(tmp_path / "missing.yaml")
