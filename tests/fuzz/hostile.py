"""Hypothesis strategies for invalid content of files and databases, and the studies into which it is put."""

from __future__ import annotations

import copy
import json
import math
import tomllib
from datetime import datetime
from typing import Any

import optuna
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from lrsearch.config import StudyConfig, built_in_study
from lrsearch.export import FORMATS
from lrsearch.schedules import FAMILIES
from lrsearch.storage.attributes import SCHEMA_VERSION

SIGNS = ("\x1b[31m", "\x07", "\u202e", "\x9b2J", "[red]", "<script>alert(1)</script>", "\r\n", "'\"", "../../x", "\x00")
texts = st.text(max_size=12) | st.sampled_from([*SIGNS, *FAMILIES, "", "/confirm", "x" * 3000, "\ud800"])
numbers = st.integers(-3, 40) | st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([10**30, -(10**400)])
plain_values = st.none() | st.booleans() | numbers | texts
odd = st.recursive(
    plain_values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
usable = st.sampled_from([0, 1, 2, 3, 0.1, 0.5, 1.0, 100, 1e-5, True, "epoch", "cosine", [1, 2], {"low": 0.1}])
files = [built_in_study(name).read_text() for name in ("quick", "article", "fashion_lenet")]

CONFIGURATION: dict[str, Any] = {
    "schedule": {"family": "cosine", "base_lr": 0.1, "final_lr": 0.01, "warmup_steps": 2, "total_steps": 20},
    "optimizer": {"name": "sgd", "momentum": 0.9},
    "training": {"epochs": 2, "dataset": "digits", "seeds": {"split": 1, "init": 2, "order": 3}},
    "scores": {"metric": "accuracy", "search_value": 0.9},
    "provenance": {"study": "quick", "versions": {"torch": "2"}},
}
DOCUMENTS = {name: FORMATS[name].render(CONFIGURATION) for name in ("yaml", "json", "toml")}


@st.composite
def spoilt(draw: st.DrawFn, data: Any, values: st.SearchStrategy[Any] = odd | usable) -> Any:
    """Draw plain data with one to three places replaced, removed or added to."""
    changed = {"": copy.deepcopy(data)}
    for _ in range(draw(st.integers(1, 3))):
        place: Any = changed
        key: Any = ""
        while isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 5)):
            place = place[key]
            key = draw(st.sampled_from(sorted(place)) if isinstance(place, dict) else st.integers(0, len(place) - 1))
        match draw(st.integers(0, 3)):
            case 0 if place is not changed:
                del place[key]
            case 1 if isinstance(place, dict):
                place[draw(texts)] = copy.deepcopy(draw(values))
            case _:
                place[key] = copy.deepcopy(draw(values))
        if not changed:
            break
    return changed.get("")


@st.composite
def spliced(draw: st.DrawFn, originals: list[str]) -> bytes:
    """Draw a text of which pieces are cut out, doubled, exchanged or replaced, as bytes."""
    text = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 4))):
        start, length = draw(st.integers(0, len(text))), draw(st.integers(0, 30))
        piece = text[start : start + length]
        new = draw(st.sampled_from(["", piece * 2, "=", "[", "nan", "inf", "-1", "0x" + "f" * 400, "1e999", "{", "&a"]))
        text = text[:start] + draw(texts | st.just(new)) + text[start + length :]
    return text.encode("utf-8", errors="surrogatepass")


json_values = st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | texts
attributes = st.recursive(json_values, lambda i: st.lists(i, max_size=3) | st.dictionaries(texts, i, max_size=3))


@st.composite
def spoilt_studies(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a confirmed study of which one to three trials, or what it says of itself, have been changed."""
    study = confirmed_study()
    for _ in range(draw(st.integers(1, 3))):
        part = study[draw(st.sampled_from(["search", "confirmation"]))]
        if draw(st.booleans()):
            part["attributes"] = draw(spoilt(part["attributes"], attributes | usable).filter(_is_mapping))
        else:
            number = draw(st.integers(0, 11))
            part["trials"][number] = draw(spoilt(part["trials"][number], attributes | usable).filter(_is_mapping))
    return study


def _is_mapping(data: Any) -> bool:
    return isinstance(data, dict)


def confirmed_study() -> dict[str, Any]:
    """Return the attributes and the trials of a search and its confirmation in six blocks, as plain data."""
    names, ranges = ("constant", "cosine"), {"base_lr": {"low": 0.01, "high": 1.0, "log": True, "integer": False}}
    config = StudyConfig.from_dict(
        {"name": "s", "search": {"families": names}, "training": {"epochs": 2}, "plan": {"blocks": 6}}
    )
    common = {"schema": SCHEMA_VERSION, "study_file": config.model_dump(mode="json"), "data_fingerprint": "f"}
    curve = {"train_loss": [1.0, 0.5], "select_loss": [1.0, 0.6], "select_accuracy": [0.5, 0.8]}
    space = {"families": dict.fromkeys(names, ranges)}
    trials = [_trial(number, names[number % 2], 0.1 + 0.01 * number, curve) for number in range(12)]
    runs = [
        _trial(2 * block + place, name, 0.1, curve | {"test_loss": [0.6], "test_accuracy": [0.8]})
        | {"entry": name, "block": block, "test_loss": 0.6, "test_accuracy": 0.7 + 0.02 * place + 0.001 * block}
        | {"split_seed": block, "init_seed": 100 + block, "order_seed": 200 + block}
        for block in range(6)
        for place, name in enumerate(names)
    ]
    of_search = common | {"lanes": 3, "split_seed": 7, "space": space, "versions": {"torch": "2"}}
    readings = {f"test_ledger:{b:04d}": [{"when": "", "block": b, "epochs": "last", "entries": []}] for b in range(6)}
    of_runs = common | {"planned_blocks": 6, "searches": 1, "metric": "accuracy", "worst_value": 0.1, "left_out": []}
    return json.loads(
        json.dumps(
            {
                "search": {"attributes": of_search, "trials": trials},
                "confirmation": {"attributes": of_runs | {"trials_per_family": 6} | readings, "trials": runs},
            }
        )
    )


def _trial(number: int, family: str, base_lr: float, curve: dict[str, list[float]]) -> dict[str, Any]:
    schedule = {"family": family, "base_lr": base_lr, "total_steps": 20}
    seeds = {"init_seed": 1, "order_seed": 2, "epochs": 2, "seconds": 0.1, "stop_reason": "finished"}
    return {"schedule": schedule, "curve": curve, "worker": "h:1:2", "device": "cpu", **seeds, "replicate": 0}


def open_study(data: dict[str, Any], direction: str = "maximize") -> optuna.storages.BaseStorage:
    """Return a storage in memory that holds a study and its confirmation, as `confirmed_study` describes them."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.InMemoryStorage()
    for name, part in (("s", "search"), ("s/confirm", "confirmation")):
        study = optuna.create_study(study_name=name, storage=storage, direction=direction)
        for key, value in data[part]["attributes"].items():
            study.set_user_attr(key, value)
        for number, trial in enumerate(data[part]["trials"]):
            storage.create_new_trial(study._study_id, template_trial=frozen(number, trial, is_search=part == "search"))
    return storage


def frozen(number: int, trial: Any, *, is_search: bool = True) -> FrozenTrial:
    """Return a finished trial with these user attributes, unchecked; `value` and `reported` are its own."""
    given = trial if isinstance(trial, dict) else {"odd": trial}
    schedule = given.get("schedule")
    family = schedule.get("family") if isinstance(schedule, dict) else None
    choices = FAMILIES if family in FAMILIES else (family if isinstance(family, str) else "other",)
    value = given.get("value", 0.5 + 0.01 * number)
    finite = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e308
    return FrozenTrial(
        number=number,
        state=TrialState.COMPLETE,
        value=float(value) if finite else math.inf,
        datetime_start=datetime(2026, 1, 1),
        datetime_complete=datetime(2026, 1, 1),
        params={"family": choices[0] if family not in FAMILIES else family, "base_lr": 0.1} if is_search else {},
        distributions={"family": CategoricalDistribution(choices), "base_lr": FloatDistribution(0.01, 1.0, log=True)}
        if is_search
        else {},
        user_attrs=given,
        system_attrs={},
        intermediate_values={1: 0.4, 2: math.nan if given.get("nan") else 0.5},
        trial_id=number,
    )


def study_tables() -> dict[str, Any]:
    """Return a study file as plain data, every table in it."""
    return tomllib.loads(files[0]) | {"ranges": {"base_lr": {"low": 0.02}, "gamma": {"high": 0.7}}}
