"""Whose turn it is, where families are exhausted."""

import math
from collections import Counter

from lrsearch.search.digest import Digest, family_in_turn
from lrsearch.search.family_samplers import Params
from tests.search.sampling_helpers import make_space, make_study


def test_a_family_without_configurations_left_is_passed_over() -> None:
    """Two of three families hold two and five configurations: they get these, the third the rest, in fair rounds."""
    sizes = {"constant": 2, "step": 5, "cosine": math.inf}
    given = Counter(dict.fromkeys(sizes, 0))
    for _ in range(20):
        given[family_in_turn(given, 1, sizes)] += 1
    assert {"constant": 2, "step": 5, "cosine": 13} == given


def test_rounds_go_on_where_every_family_is_exhausted() -> None:
    """A search that asks for more than there is, as a user's own may, still gets a family."""
    given = Counter({"constant": 2, "step": 2})
    assert family_in_turn(given, 0, {"constant": 2, "step": 2}) in given


def test_a_free_form_has_five_turns_after_all_others_of_the_round() -> None:
    """So that it can start from the best of them."""
    given = Counter(dict.fromkeys(("cosine", "spline", "linear"), 0))
    order = []
    for _ in range(14):
        order.append(family_in_turn(given, 3))
        given[order[-1]] += 1
    assert [{"cosine", "linear"}] * 2 == [set(order[:2]), set(order[7:9])]
    assert ["spline"] * 10 == order[2:7] + order[9:]


def test_a_free_form_starts_from_the_best_named_curve_of_its_optimizer_and_once() -> None:
    """Schedule-Free's rate is for another optimizer, and a start that was tried is not tried again."""
    space = make_space(("linear", "cosine", "schedule_free", "spline"))
    study = make_study(space)
    asked = []
    for _ in range(4):
        trial = study.ask()
        asked.append(space.suggest(trial))
        study.tell(trial, {"linear": 0.7, "cosine": 0.6}.get(asked[-1]["family"], 0.9))
    linear = next(params for params in asked if params["family"] == "linear")
    assert "spline" == asked[3]["family"]
    assert linear["base_lr"] == asked[3]["base_lr"]

    def start(trials: int) -> Params | None:
        digest = Digest(space, seed=0)
        digest.absorb(study.get_trials()[:trials])
        return digest.start_near_the_best("spline", study.direction)

    assert (linear["base_lr"], None) == (start(3)["base_lr"], start(4))
