"""The study file: what it may hold, and what is said of what it may not hold."""

import re
from pathlib import Path

import pytest

from lrsearch.config import BUILT_IN_WORKLOAD, StudyConfig, built_in_study
from lrsearch.errors import InputError
from lrsearch.schedules import PerEpoch, default_families
from tests.conftest import STUDY


def _load(folder: Path, text: str) -> StudyConfig:
    path = folder / "my_study.toml"
    path.write_text(text)
    return StudyConfig.load(path)


def test_an_empty_study_file_is_the_main_study_under_the_files_name(folder) -> None:
    """Everything left out has a default, and the name is the file's."""
    config = _load(folder, "")
    assert "my-study" == config.name
    assert BUILT_IN_WORKLOAD == config.workload
    assert "fashion-mnist" == config.data.dataset
    assert (30, 100, default_families()) == (config.training.epochs, config.search.trials, config.search.families)


def test_a_workload_without_a_study_file_gets_neutral_defaults() -> None:
    """Its function names the study; batch size and data are its own, and nothing of the built-in workload's is left."""
    config = StudyConfig.for_workload("tests.workload_examples:other_tabular")
    assert ("other-tabular", "", None) == (config.name, config.description, config.training.batch_size)
    assert config.data.dataset is None
    assert config.workload == config.data_name
    assert "fashion-mnist" not in str(config.model_dump())


@pytest.mark.parametrize("given", ["fashion-mnist", "digits", None])
def test_only_the_built_in_workload_reads_a_data_set(given) -> None:
    """Another workload has none, also where an older file names one; the built-in one's default is Fashion-MNIST."""
    config = StudyConfig.from_dict({"workload": "mine:f", "data": {"dataset": given, "train": "all"}})
    assert (None, "all", "mine:f") == (config.data.dataset, config.data.train, config.data_name)
    built_in = StudyConfig.from_dict({"data": {"dataset": given}})
    assert (given or "fashion-mnist") == built_in.data.dataset == built_in.data_name
    assert "fashion-mnist" == config.changed({"workload": BUILT_IN_WORKLOAD}).data_name
    with pytest.raises(InputError, match="--dataset is for the built-in workload; mine:f brings its own data"):
        config.changed({"data.dataset": "kmnist"})


@pytest.mark.parametrize("name", ["fashion_lenet", "quick", "article"])
def test_every_built_in_study_is_valid_and_round_trips(name) -> None:
    """A shipped file loads, and what a storage keeps of it gives the same study back."""
    config = StudyConfig.load(built_in_study(name))
    assert config == StudyConfig.from_dict(config.model_dump(mode="json"))


def test_the_article_runs_its_four_schedules_as_printed() -> None:
    """The rates of the first epochs of the article's schedules, worked out from its formulas by hand."""
    config = StudyConfig.load(built_in_study("article"))
    assert "all" == config.data.train
    made = {b.name: b.schedule(epochs=30, steps_per_epoch=468) for b in config.baseline}
    assert 6 == len(made)
    rates = {
        name: [float(made[name].epoch_lr(e, 1, [])[0]) for e in (0, 1, 2, 15, 29)]
        for name in ("square root", "multi-step")
    }
    expected = [0.3, 0.1, 0.1 * 2**-0.5, 0.1 * 15**-0.5, 0.1 * 29**-0.5]
    assert rates["square root"] == pytest.approx(expected, rel=1e-12)
    assert [0.3, 0.3, 0.3, 0.15, 0.15] == rates["multi-step"]
    assert isinstance(made["cosine"], PerEpoch)
    assert float(made["cosine"].epoch_lr(29, 1, [])[0]) == pytest.approx(0.01, rel=1e-12)


TYPOS = {
    "key of the file": ("wrkload = 'a:b'", ["unknown key 'wrkload'", "did you mean 'workload'"]),
    "table": ("[serch]\ntrials = 3", ["unknown key 'serch'", "did you mean 'search'"]),
    "key of a table": ("[training]\nepoch = 3", ["unknown key 'epoch' in [training]", "did you mean 'epochs'"]),
    "key of a searched setting": (
        "[optimizer]\nmomentum = { low = 0.1, hihg = 0.9 }",
        ["unknown key 'hihg' in [optimizer.momentum]", "did you mean 'high'"],
    ),
    "nothing like it": ("[plan]\nzzz = 1", ["unknown key 'zzz' in [plan]", "alpha", "rope", "blocks"]),
    "family": ("[search]\nfamilies = ['cosin']", ["search.families", "unknown family 'cosin'", "'cosine'"]),
    "sampler": ("[search]\nsampler = 'tp'", ["search.sampler", "'tpe'", "got 'tp'"]),
    "range": ("[ranges]\nbase_lrr = { low = 0.1, high = 1.0 }", ["base_lrr", "base_lr,"]),
    "parameter of a baseline": (
        "[[baseline]]\nname = 'a'\nfamily = 'cosine'\nbase_lr = 0.1\nfinal_lrr = 0.1",
        ["baseline", "final_lrr", "final_lr"],
    ),
    "family of a baseline": ("[[baseline]]\nname = 'a'\nfamily = 'cosin'\nbase_lr = 0.1", ["'cosin'", "cosine"]),
}


@pytest.mark.parametrize(("text", "parts"), TYPOS.values(), ids=TYPOS)
def test_a_typo_is_named_with_its_place_and_what_was_meant(folder, text, parts) -> None:
    """The message names the file, the key, the table, and the likeliest known word."""
    with pytest.raises(InputError) as caught:
        _load(folder, text)
    for part in ["my_study.toml", *parts]:
        assert part in str(caught.value)


WRONG = {
    "epochs of zero": ("[training]\nepochs = 0", ["training.epochs", "at least 1", "got 0"]),
    "epochs as text": ("[training]\nepochs = 'ten'", ["training.epochs", "integer", "got 'ten'"]),
    "trials below zero": ("[search]\ntrials = -4", ["search.trials", "got -4"]),
    "batches of zero": ("[training]\nbatch_size = 0", ["training.batch_size", "got 0"]),
    "a value for a table": ("search = 3", ["search", "got 3"]),
    "no families": ("[search]\nfamilies = []", ["search.families", "at least one"]),
    "a family twice": ("[search]\nfamilies = ['cosine', 'cosine']", ["search.families", "once"]),
    "a setting upside down": (
        "[optimizer]\nweight_decay = { low = 0.1, high = 0.01 }",
        ["optimizer.weight_decay", "low must not be above high", "0.1 and 0.01"],
    ),
    "a setting on a logarithm of zero": (
        "[optimizer]\nweight_decay = { low = 0.0, high = 0.1, log = true }",
        ["optimizer.weight_decay", "above 0", "0.0"],
    ),
    "half a range of a setting": (
        "[optimizer]\nmomentum = { low = 0.1 }",
        ["momentum.high", "must be given"],
    ),
    "momentum of one": ("[optimizer]\nmomentum = 1.0", ["optimizer.momentum", "below 1", "got 1.0"]),
    "negative weight decay": ("[optimizer]\nweight_decay = -0.1", ["optimizer.weight_decay", "got -0.1"]),
    "baselines of one name": (
        2 * "[[baseline]]\nname = 'a'\nfamily = 'constant'\nbase_lr = 0.1\n",
        ["baseline", "distinct", "'a'"],
    ),
    "a lag between steps": (
        "[[baseline]]\nname = 'a'\nfamily = 'constant'\nbase_lr = 0.1\nlag = true",
        ["baseline", "lag = true", 'interval = "epoch"'],
    ),
    "a baseline's rate of zero": (
        "[[baseline]]\nname = 'a'\nfamily = 'constant'\nbase_lr = 0.0",
        ["base_lr", "above 0", "got 0.0"],
    ),
}


@pytest.mark.parametrize(("text", "parts"), WRONG.values(), ids=WRONG)
def test_a_value_out_of_its_rule_is_named_with_the_rule(folder, text, parts) -> None:
    """The message names the file, the key, the rule and the value that was given."""
    with pytest.raises(InputError) as caught:
        _load(folder, text)
    for part in ["my_study.toml", *parts]:
        assert part in str(caught.value)


def test_a_file_that_is_no_study_file_is_refused(folder) -> None:
    """Missing, a folder, not TOML, not even text: each is said in one line with the path."""
    (folder / "broken.toml").write_text("[search\n")
    (folder / "binary.toml").write_bytes(b"\xff\xfe\x00")
    said = {"none.toml": "cannot be read", ".": "cannot be read", "broken.toml": "line 1", "binary.toml": "not text"}
    for name, part in said.items():
        with pytest.raises(InputError, match=part) as caught:
            StudyConfig.load(folder / name)
        assert str(folder / name) in str(caught.value)


def test_flags_change_the_study_and_nothing_changes_nothing(folder) -> None:
    """A dotted key replaces one value, None none, and a wrong value is named by its key."""
    config = _load(folder, STUDY)
    assert config == config.changed({"training.epochs": None, "seed": None})
    changed = config.changed({"training.epochs": 7, "search.families": ("rex",), "seed": 3})
    assert (7, ("rex",), 3) == (changed.training.epochs, changed.search.families, changed.seed)
    assert (config.search.trials, config.workload) == (changed.search.trials, changed.workload)
    with pytest.raises(InputError, match=r"^--epochs: .*got 0"):
        config.changed({"training.epochs": 0})


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"search.trials": 500}, True),
        ({"search.replicates": 4}, True),
        ({"name": "other"}, True),
        ({"description": "other"}, True),
        ({"plan": {"rope": 0.1}}, True),
        ({"training.epochs": 3}, False),
        ({"search.families": ("cosine",)}, False),
        ({"search.sampler": "random"}, False),
        ({"search.pruner": "none"}, False),
        ({"data.dataset": "mnist"}, False),
        ({"optimizer.momentum": 0.9}, False),
        ({"optimizer.momentum": {"low": 0.1, "high": 0.9}}, False),
        ({"ranges": {"base_lr": {"low": 0.1, "high": 0.2}}}, False),
        ({"seed": 1}, False),
        ({"workload": "a:b"}, False),
    ],
    ids=str,
)
def test_the_identity_holds_what_a_trials_result_depends_on(changes, same) -> None:
    """Budgets and names may change between runs of one search; what its results depend on may not."""
    config = StudyConfig()
    assert same == (config.identity() == config.changed(changes).identity())


@pytest.mark.parametrize(
    ("contrasts", "complaint"),
    [
        ({"against": "constnat"}, "unknown family or baseline 'constnat'; did you mean 'constant'?"),
        ({"groups": {"a": ["constant"], "b": ["cosine", "rex"]}}, "unknown family or baseline 'rex'"),
        ({"against": "reduce_on_plateau"}, "reads a metric and is not compared"),
    ],
)
def test_contrasts_name_what_is_compared(contrasts, complaint) -> None:
    """A planned contrast with a name that is neither searched nor a baseline is refused before anything runs."""
    given = {"search": {"families": ("constant", "cosine", "reduce_on_plateau")}, "plan": {"contrasts": contrasts}}
    with pytest.raises(InputError, match=re.escape(complaint)):
        StudyConfig.from_dict(given)


def test_a_data_set_beside_ones_own_workload_is_refused(tmp_path) -> None:
    """In a study file; what earlier versions stored is read as before."""
    (tmp_path / "s.toml").write_text('workload = "mine:f"\n[data]\ndataset = "mnist"\n')
    with pytest.raises(InputError, match=r"data\.dataset is for the built-in workload, and mine:f brings its own data"):
        StudyConfig.load(tmp_path / "s.toml")
    assert StudyConfig.from_dict({"workload": "mine:f", "data": {"dataset": "mnist"}}).data.dataset is None
