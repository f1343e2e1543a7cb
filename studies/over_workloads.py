"""Four workloads, one question: which of six schedule families, and whether the answers agree.

    python studies/over_workloads.py --seed 0

prints beforehand what differences each workload's study can see, then searches, confirms and judges each, and says what
they have in common. The folder over-workloads-0 takes all of it: the storage, a report and a verdict for each workload,
and together.html and together.json. Interrupt and go on with the same command as you like: no finished trial is lost.

Every study is of eight independent searches of six trials a family, each ending in one run of each winner on fresh
seeds, so that its verdict is about families and not about what one search happened to find.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

STUDIES = Path(__file__).parent
sys.path.append(str(STUDIES.parent))  # the processes that train import studies.examples from there

from lrsearch import StudyConfig, Workload, compare_studies, run  # noqa: E402
from lrsearch.config.files import write_text  # noqa: E402
from lrsearch.experiment.options import RunOptions  # noqa: E402
from lrsearch.planning.noise import noise_of  # noqa: E402
from lrsearch.planning.plan import plan_study  # noqa: E402
from lrsearch.report.assemble import over_studies_html  # noqa: E402
from lrsearch.storage import StoredStudy, existing_storage  # noqa: E402
from lrsearch.text import short_time  # noqa: E402
from lrsearch.verdict.over_studies import OverStudies, over_studies  # noqa: E402
from lrsearch.verdict.study_verdict import judge_study  # noqa: E402
from studies.examples.fashion_resnet import fashion_resnet, some_images  # noqa: E402

FAMILIES = ("constant", "square_root", "step", "linear", "cosine", "warmup_stable_decay")
"""No schedule; a decay that knows no end; the drops of textbooks; the two decays in common use; and one that begins
late, as for language models."""
TRIALS, SEARCHES = 6, 8
IMAGES, TEST_IMAGES = 3_000, 2_000

WORKLOADS: dict[str, tuple[str, dict[str, Any]]] = {
    "digits": ("quick.toml", {}),
    "fashion": ("fashion_lenet.toml", {"training.epochs": 3, "ranges.base_lr": {"low": 0.03, "high": 0.3}}),
    "text": ("examples/char_gpt/function.toml", {"run.in_process": True, "parameters": {"weight_decay": [0.1]}}),
    "resnet": (
        "examples/fashion_resnet.toml",
        {
            "workload": "studies.over_workloads:fewer_images",
            "training.epochs": 3,
            "training.batch_size": 32,
            "ranges.base_lr": {"low": 0.01, "high": 0.3},
        },
    ),
}
"""By name, a study file and what is changed of it so that four studies fit into three hours."""


def fewer_images() -> Workload:
    """Return the ResNet-8 of the examples on the first 3,000 images, 282 updates in three epochs."""
    return replace(fashion_resnet(), data=lambda: some_images().first(IMAGES, TEST_IMAGES))


def study_of(name: str, seed: int) -> StudyConfig:
    """Return the study of a workload; all differ in what is trained alone."""
    file, changes = WORKLOADS[name]
    searched = {"families": FAMILIES, "trials": TRIALS * len(FAMILIES), "replicates": SEARCHES}
    alike = {f"search.{key}": value for key, value in searched.items()} | {
        "search.sampler": "gp",  # learns most from few trials
        "search.pruner": "none",  # all are short
    }
    return StudyConfig.load(STUDIES / file).changed({"name": name, "seed": seed, **alike, **changes})


def planned(study: StudyConfig, options: RunOptions, pilot: str) -> str:
    """Return what a study can see, by the noise of the storage `pilot` where that holds it, and its time."""
    plan = plan_study(study, options, noise_of(existing_storage(pilot), study.name), blocks=[SEARCHES])
    [row] = plan.rows
    power = "" if row.power_at_rope is None else f", one of {plan.rope:g} in {row.power_at_rope:.0%}"
    return (
        f"{study.name}: a difference of {row.detectable:.2g} {plan.unit} is found in 80 % of cases{power} (SD "
        f"{plan.noise.noise.sd:.2g}, {plan.noise.source}); about {short_time(row.seconds)}"
    )


def main(argv: list[str] | None = None) -> None:
    """Plan all studies, run what is missing of them, and say what they have in common."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="of the four studies")
    parser.add_argument("--folder", type=Path, help="where all is kept; over-workloads-SEED if none")
    parser.add_argument("--workers", type=int, help="processes; one per core if none")
    parser.add_argument(
        "--pilot",
        type=Path,
        help="the folder of another seed: its noise tells the power, and its verdicts are compared",
    )
    asked = parser.parse_args(argv)
    folder = asked.folder or Path(f"over-workloads-{asked.seed}")
    folder.mkdir(parents=True, exist_ok=True)
    options = RunOptions(_storage(folder), device="cpu", workers=asked.workers)
    studies = [study_of(name, asked.seed) for name in WORKLOADS]
    for study in studies:
        print(planned(study, options, _storage(asked.pilot or folder)), flush=True)
    for study in studies:
        begun = time.monotonic()
        compared = run(study, folder=folder / study.name, storage=options.storage, device="cpu", workers=asked.workers)
        print(f"\n{study.name}, in {short_time(time.monotonic() - begun)}:\n{compared}", flush=True)
    together = compare_studies(list(WORKLOADS), storage=options.storage)
    write_text(folder / "together.html", over_studies_html(together))
    write_text(folder / "together.json", json.dumps(together.to_dict(), indent=1) + "\n")
    print("", *together.sentences, sep="\n")
    if asked.pilot is not None:
        for name in WORKLOADS:
            print("", *agreement(name, _storage(asked.pilot), options.storage).sentences, sep="\n")


def agreement(name: str, pilot: str, storage: str) -> OverStudies:
    """Return what a workload's studies of two seeds, in two storages, say together."""
    found = {f"{name} before": pilot, f"{name} now": storage}
    return over_studies({seed: judge_study(StoredStudy.open(there, name)) for seed, there in found.items()})


def _storage(folder: Path) -> str:
    return f"sqlite:///{folder.absolute() / 'lrsearch.db'}"


if __name__ == "__main__":
    main()
