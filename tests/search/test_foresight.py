"""What is said of a search before it begins."""

import pytest

from tests.search.run_helpers import finished, make_config
from tests.search.run_helpers import search_in_journal as search

FIXED = {"base_lr": {"low": 0.1, "high": 0.1}, "warmup_steps": {"low": 0.0, "high": 0.05}}


def test_a_search_that_is_done_says_so(folder, caplog) -> None:
    """A smaller total than what is finished trains nothing, and one line says why."""
    search(make_config(), 4)
    caplog.clear()
    assert 4 == len(finished(search(make_config(), 3)))
    assert caplog.messages == [
        "nothing to do: study 'tab' has 4 finished trials, and --trials 3 is the total; give a larger one to search "
        "further"
    ]


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        (
            6,
            "6 trials are 2 for each of 3 families, and TPE draws the first 4 of a family at random: this is a random",
        ),
        (1, "1 trial is less than a turn for each of 3 families, and TPE draws"),
        (45, "45 trials are 15 for each of 3 families: 4 drawn at random, 11 chosen by TPE"),
    ],
)
def test_what_the_budget_teaches_tpe_is_said(folder, caplog, trials, said) -> None:
    """With no more trials of a family than TPE begins with TPE is a random search."""
    search(make_config(training__epochs=1, search__sampler="tpe"), trials, timeout_seconds=1e-6)
    assert caplog.messages[0].startswith(said)


def test_other_samplers_are_passed_over(folder, caplog) -> None:
    """Random draws learn nothing from any budget."""
    search(make_config(search__sampler="random"), 3)
    assert [] == caplog.messages


@pytest.mark.parametrize("sampler", ["gp", "tpe", "random", "qmc"])
def test_an_exhausted_space_ends_the_search(folder, caplog, sampler) -> None:
    """Two lengths of the warm-up and nothing else to choose: two trials, different ones, and one line."""
    config = make_config(search__families=("constant",), ranges=FIXED, search__sampler=sampler)
    study = search(config, 6)
    assert [0, 1] == sorted(trial.params["warmup_steps"] for trial in finished(study))
    assert "the search space holds 2 configurations: the search ends there, and not after 6 trials" in caplog.messages
    caplog.clear()
    search(config, 6)
    assert caplog.messages[-1].endswith("give it more families or wider ranges, under another name, to search further")


def test_a_family_that_is_exhausted_leaves_its_turns_to_the_others(folder) -> None:
    """`constant` has two configurations here and `cosine` endlessly many: no configuration is repeated."""
    config = make_config(search__families=("constant", "cosine"), ranges=FIXED)
    study = search(config, 8)
    families = [trial.params["family"] for trial in finished(study)]
    assert (2, 6) == (families.count("constant"), families.count("cosine"))
    assert 8 == len({tuple(sorted(trial.params.items())) for trial in finished(study)})


@pytest.mark.parametrize(
    ("families", "trials", "said"),
    [
        (
            ("constant", "cosine"),
            6,
            ["6 trials are 3 for each of 2 families: 2 spread evenly over the ranges, 1 chosen by what the trials of"],
        ),
        (
            ("constant", "cosine", "reduce_on_plateau"),
            6,
            [
                "6 trials are 2 for each of 3 families, spread evenly over the ranges: the model would choose from 9",
                "red",
            ],
        ),
        (
            ("constant",),
            2000,
            ["2,000 trials of one family", "above 1500 finished trials the model keeps the best 750"],
        ),
    ],
)
def test_what_the_budget_teaches_the_model_is_said(folder, caplog, families, trials, said) -> None:
    """How many trials it chooses, which family it cannot help, and from where on it leaves trials out."""
    config = make_config(search__families=families, search__sampler="gp")
    search(config, trials, timeout_seconds=1e-6)
    lines = [line for line in caplog.messages if "time" not in line][: len(said)]
    assert all(line.startswith(beginning) for line, beginning in zip(lines, said, strict=True)), caplog.messages
