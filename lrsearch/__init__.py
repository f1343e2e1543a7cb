"""Compare learning-rate schedules: which one to use, how sure that is, and whether the difference matters.

The public names, in the order of the flow. They are imported when they are first used, so `import lrsearch` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrsearch.api.reading import best_schedule, compare, compare_studies, export_schedule, write_report
    from lrsearch.api.running import confirm, optimize
    from lrsearch.api.whole_study import run
    from lrsearch.comparison import Comparison, compare_runs, compare_scores
    from lrsearch.config import StudyConfig
    from lrsearch.errors import InputError
    from lrsearch.experiment.space.suggest import schedule_of, suggest_schedule
    from lrsearch.export.retrain import train_exported
    from lrsearch.runs.command.current import current_run
    from lrsearch.runs.errors import Diverged, Pruned
    from lrsearch.runs.run import Run
    from lrsearch.schedules import Schedule, join, make_schedule, tabulated
    from lrsearch.search.objective import Objective
    from lrsearch.search.pruning import RungPruner
    from lrsearch.search.sampling import FamilySampler
    from lrsearch.training.torch_schedule import to_torch
    from lrsearch.verdict.sequential import compare_sequential
    from lrsearch.workloads import Dataset, Workload

_HOMES = {
    "StudyConfig": "lrsearch.config",
    "InputError": "lrsearch.errors",
    "Schedule": "lrsearch.schedules",
    "make_schedule": "lrsearch.schedules",
    "tabulated": "lrsearch.schedules",
    "join": "lrsearch.schedules",
    "schedule_of": "lrsearch.experiment.space.suggest",
    "suggest_schedule": "lrsearch.experiment.space.suggest",
    "to_torch": "lrsearch.training.torch_schedule",
    "Dataset": "lrsearch.workloads",
    "Workload": "lrsearch.workloads",
    "Run": "lrsearch.runs.run",
    "current_run": "lrsearch.runs.command.current",
    "Pruned": "lrsearch.runs.errors",
    "Diverged": "lrsearch.runs.errors",
    "FamilySampler": "lrsearch.search.sampling",
    "RungPruner": "lrsearch.search.pruning",
    "Objective": "lrsearch.search.objective",
    "optimize": "lrsearch.api.running",
    "confirm": "lrsearch.api.running",
    "run": "lrsearch.api.whole_study",
    "compare": "lrsearch.api.reading",
    "compare_studies": "lrsearch.api.reading",
    "write_report": "lrsearch.api.reading",
    "compare_runs": "lrsearch.comparison",
    "compare_scores": "lrsearch.comparison",
    "compare_sequential": "lrsearch.verdict.sequential",
    "Comparison": "lrsearch.comparison",
    "best_schedule": "lrsearch.api.reading",
    "export_schedule": "lrsearch.api.reading",
    "train_exported": "lrsearch.export.retrain",
}

__all__ = [
    "Comparison",
    "Dataset",
    "Diverged",
    "FamilySampler",
    "InputError",
    "Objective",
    "Pruned",
    "Run",
    "RungPruner",
    "Schedule",
    "StudyConfig",
    "Workload",
    "best_schedule",
    "compare",
    "compare_runs",
    "compare_scores",
    "compare_sequential",
    "compare_studies",
    "confirm",
    "current_run",
    "export_schedule",
    "join",
    "make_schedule",
    "optimize",
    "run",
    "schedule_of",
    "suggest_schedule",
    "tabulated",
    "to_torch",
    "train_exported",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("lrsearch")
    if name not in _HOMES:
        raise AttributeError(f"module 'lrsearch' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
