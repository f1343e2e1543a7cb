"""Small published models: the plain loop, lrsearch with one lane, and with several, in turns.

Every candidate trains the same epochs of the same examples: batches in a random order, the schedule's rate at every
step, and an evaluation of validation and holdout after every epoch. The plain loop is what its author would write, with
torch's own optimizer, parameter groups and clipping. `auto` is the way that a study with 4 and 8 lanes would choose.
Times are processor times of one thread, which a busy machine changes less than the clock on the wall.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import heading, machine, write_json
from published_models import MODELS, PublishedModel
from torch import Tensor

from lrsearch.schedules import make_schedule
from lrsearch.training.choice import choose_way
from lrsearch.training.data import Part, TrainingData, epoch_order
from lrsearch.training.device import peak_memory_mib, use_one_thread
from lrsearch.training.evaluation import joined, set_score
from lrsearch.training.lane import Lane
from lrsearch.training.models import make_model
from lrsearch.training.modules.layout import model_outputs
from lrsearch.training.stack import Stack

PARTS = ("select", "report")


@dataclass(frozen=True)
class Candidate:
    """A way to train: its name, its lanes, and a function that trains an epoch of all of them."""

    name: str
    lanes: int
    epoch: Callable[[], object]


class PlainLoop:
    """The loop that everybody writes, for one model.

    Args:
        published: what is trained.
        data: its data.
        steps: of a whole run, for the schedule.
    """

    def __init__(self, published: PublishedModel, data: TrainingData, steps: int) -> None:
        self._workload, self._rule, self._data = published.workload, published.rule, data
        self._schedule = make_schedule("cosine", total_steps=steps, base_lr=published.rate)
        self._module, self._epoch = self._workload.model(), 0
        groups, self._multiples = self._groups(published)
        settings = published.settings
        if self._rule.name == "sgd":
            self._optimizer: torch.optim.Optimizer = torch.optim.SGD(
                groups, lr=1.0, momentum=settings.momentum, nesterov=self._rule.nesterov
            )
        else:
            kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[self._rule.name]
            self._optimizer = kind(groups, lr=1.0)
        self._generator = torch.Generator().manual_seed(0)

    def _groups(self, published: PublishedModel) -> tuple[list[dict[str, Any]], list[float]]:
        """Return parameter groups by equal factors, and each one's multiple of the rate."""
        by_factors: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
        for name, parameter in self._module.named_parameters():
            rate, decay = self._workload.parameter_group(name) if self._workload.parameter_group else (1.0, 1.0)
            decay *= not (self._rule.no_decay and parameter.ndim <= 1)
            by_factors.setdefault((rate, decay), []).append(parameter)
        groups = [
            {"params": parameters, "weight_decay": decay * published.settings.weight_decay}
            for (_, decay), parameters in by_factors.items()
        ]
        return groups, [rate for rate, _ in by_factors]

    def epoch(self) -> list[float]:
        """Train an epoch and evaluate it; return the validation's and the holdout's scores."""
        workload, fit, size = self._workload, self._data.fit, self._workload.batch_size
        steps = len(fit) // size
        rates = self._schedule.epoch_lr(self._epoch, steps, []).tolist()
        order = epoch_order(0, self._epoch, len(fit), size)
        self._module.train()
        total = 0.0
        for rate, batch in zip(rates, order, strict=True):
            index = fit.index[torch.from_numpy(batch)]
            x, y = fit.x[index], fit.y[index]
            if workload.augment is not None:
                x = workload.augment(x, self._generator)
            for group, multiple in zip(self._optimizer.param_groups, self._multiples, strict=True):
                group["lr"] = rate * multiple
            self._optimizer.zero_grad()
            loss = workload.loss(model_outputs(self._module, workload.transform(x)), y)
            loss.backward()
            if self._rule.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(self._module.parameters(), self._rule.clip_norm)
            self._optimizer.step()
            total += loss.item()
        self._epoch += 1
        self._module.eval()
        return [self._evaluated(part) for _, part in self._data.held_out(PARTS)]

    @torch.no_grad()
    def _evaluated(self, part: Part) -> float:
        workload, loss = self._workload, 0.0
        outputs: list[Any] = []
        scores: list[Tensor] = []
        for index in part.index.split(workload.evaluation_batch_size):
            x, y = part.x[index], part.y[index]
            outputs.append(model_outputs(self._module, workload.transform(x)))
            loss += workload.loss(outputs[-1], y).item() * len(index)
            if workload.metric_over == "examples":
                scores.append(workload.metric(outputs[-1], y))
        if workload.metric_over == "set":
            return set_score(workload, joined(outputs), part.y[part.index])
        return torch.cat(scores).mean().item()


def candidates_of(
    published: PublishedModel, lanes: Sequence[int], epochs: int
) -> tuple[list[Candidate], dict[int, str], TrainingData]:
    """Return all ways to train a model, and the way that a study chooses by its number of lanes."""
    workload, dataset = published.workload, published.workload.data()
    data = TrainingData.build(dataset, dataset.split(0), device="cpu")
    steps = epochs * (len(data.fit) // workload.batch_size)
    candidates = [Candidate("plain loop", 1, PlainLoop(published, data, steps).epoch)]
    for number, way in [(1, "plain"), *((number, "stacked") for number in lanes)]:
        try:
            model = make_model(workload, data.fit.x[:4], data.fit.y[:4], device="cpu", dtype=torch.float32, way=way)
            stack = Stack(model, workload, data, published.rule, batch_size=workload.batch_size)
            for key in range(number):
                schedule = make_schedule("cosine", total_steps=steps, base_lr=published.rate)
                stack.admit(key, Lane(schedule, key, 0, published.settings))
            stack.run_epoch(PARTS)
        except RuntimeError:  # there is no rule for some operation
            continue
        name = "alone" if way == "plain" else f"{number} side by side"
        candidates.append(Candidate(name, number, lambda stack=stack: stack.run_epoch(PARTS)))
    chosen = {number: choose_way(workload, data, published.rule, lanes=number).way for number in lanes}
    return candidates, chosen, data


def measured(name: str, lanes: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """Return a row for each way to train a model: the median of its seconds for a trial-epoch, in turns."""
    candidates, chosen, _ = candidates_of(MODELS[name], lanes, epochs=rounds + 3)
    seconds: dict[str, list[float]] = {candidate.name: [] for candidate in candidates}
    for candidate in candidates:
        candidate.epoch()
    rng = np.random.default_rng(0)
    for _ in range(rounds):
        for place in rng.permutation(len(candidates)):
            candidate = candidates[place]
            begun = time.process_time()
            candidate.epoch()
            seconds[candidate.name].append((time.process_time() - begun) / candidate.lanes)
    loop = seconds["plain loop"]
    rows = []
    for candidate in candidates:
        mine = seconds[candidate.name]
        ratios = [own / others for own, others in zip(mine, loop, strict=True)]
        rows.append(
            {
                "model": name,
                "candidate": candidate.name,
                "milliseconds": 1e3 * statistics.median(mine),
                "times_the_loop": statistics.median(ratios),
                "peak_mib": peak_memory_mib(),
            }
        )
    alone = next(row["times_the_loop"] for row in rows if row["candidate"] == "alone")
    for number, way in chosen.items():
        beside = [row["times_the_loop"] for row in rows if row["candidate"] == f"{number} side by side"]
        ratio = beside[0] / alone if way == "stacked" else 1.0
        rows.append({"model": name, "candidate": f"auto, {number} lanes", "way": way, "times_alone": ratio})
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--lanes", nargs="+", type=int, default=[4, 8])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    use_one_thread()
    facts = machine("cpu")
    print(heading(facts))
    print(f"{'model':<22}{'candidate':<18}{'ms a trial-epoch':>18}{'x the loop':>12}{'peak MiB':>10}")
    rows = []
    for name in options.models:
        for row in measured(name, options.lanes, options.rounds):
            rows.append(row)
            if "way" in row:
                print(f"{name:<22}{row['candidate']:<18}{row['way']:>18}{row['times_alone']:>12.2f}  (times alone)")
            else:
                numbers = f"{row['milliseconds']:>18.1f}{row['times_the_loop']:>12.2f}{row['peak_mib']:>10.0f}"
                print(f"{name:<22}{row['candidate']:<18}{numbers}")
    write_json(options.json, {"machine": facts, "rounds": options.rounds, "rows": rows})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
