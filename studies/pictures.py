"""Draw the pictures of the documentation: the schedule families, and the figures of a study that has been confirmed.

python studies/pictures.py                                                  the families
python studies/pictures.py --storage sqlite:///lrsearch.db   and a study's figures (by chromium)
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np

from lrsearch.schedules import Schedule, make_schedule, step_families
from lrsearch.schedules.drawing import Line, curves_svg

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"

_STEPS, _BASE_LR = 1000, 0.3
_COLUMNS, _CELL_WIDTH, _CELL_HEIGHT, _TITLE = 4, 200, 96, 20

SHOWN: dict[str, dict[str, dict[str, Any]]] = {
    "constant": {"warmup_steps 100": {"warmup_steps": 100}, "no warm-up": {}},
    "square_root": {f"timescale {n}": {"timescale": n} for n in (300, 30, 3)},
    "exponential": {f"final_lr {r:g}": {"final_lr": r} for r in (0.03, 0.003, 0.0003)},
    "step": {"step_size 400, gamma 0.1": {"step_size": 400}, "200, 0.5": {"step_size": 200, "gamma": 0.5}},
    "multistep": {"300; gamma 0.1": {"milestones": (300,)}, "500, 750; 0.3": {"milestones": (500, 750), "gamma": 0.3}},
    "linear": {"final_lr 0.1": {"final_lr": 0.1}, "final_lr 0": {}},
    "polynomial": {f"power {p:g}": {"power": p} for p in (0.5, 1, 2, 4)},
    "cosine": {"no warm-up": {}, "decay_steps 600": {"decay_steps": 600}, "warmup_steps 100": {"warmup_steps": 100}},
    "cosine_restarts": {
        "first 250, mult 1": {"first_cycle_steps": 250},
        "first 142.9, mult 2": {"first_cycle_steps": 1000 / 7, "cycle_mult": 2},
    },
    "one_cycle": {
        "pct_start 0.1": {"pct_start": 0.1},
        "0.45, div_factor 5": {"pct_start": 0.45, "div_factor": 5},
        "0.3 (default)": {},
    },
    "warmup_stable_decay": {
        shape: {"decay_steps": 400, "decay_shape": shape, "warmup_steps": 50}
        for shape in ("linear", "cosine", "1-sqrt")
    },
    "rex": {f"beta {b:g}": {"beta": b} for b in (1, 0.5, 0.1)},
    "inverse_power": {f"exponent {p:g}": {"timescale": 100, "exponent": p} for p in (0.25, 0.5, 1)},
    "power_cooldown": {
        "1-y^p, p 0.5": {"decay_steps": 400},
        "1-y^p, p 2": {"decay_steps": 400, "cooldown_power": 2},
        "(1-y)^p, p 2": {"decay_steps": 400, "cooldown_shape": "(1-y)^p", "cooldown_power": 2},
    },
    "spline": {
        "falls": {"factors": (1, 0.8, 0.5, 0.2, 0.01)},
        "rises first": {"factors": (0.3, 1, 0.6, 0.1, 0.02)},
    },
    "schedule_free": {"warmup_steps 100": {"warmup_steps": 100}, "no warm-up": {}},
}
"""Of each family a few schedules: what they are called, and their parameters."""


def schedule_pictures() -> dict[str, str]:
    """Return file name -> SVG: one picture of each family, and all of them in one."""
    pictures = {f"{family}.svg": curves_svg(_lines(family), height=170, alone=True) for family in step_families()}
    return pictures | {"families.svg": _overview()}


def _lines(family: str) -> list[Line]:
    lines = []
    for name, parameters in SHOWN[family].items():
        schedule = make_schedule(family, total_steps=_STEPS, base_lr=_BASE_LR, **parameters)
        assert isinstance(schedule, Schedule)
        lines.append(Line(name, schedule.lr(np.arange(_STEPS))))
    return lines


def _overview() -> str:
    """Return all families side by side, one curve of each."""
    cells = []
    for place, family in enumerate(step_families()):
        x, y = place % _COLUMNS * _CELL_WIDTH, place // _COLUMNS * (_CELL_HEIGHT + _TITLE)
        drawing = curves_svg(_lines(family)[-1:], width=_CELL_WIDTH, height=_CELL_HEIGHT)
        title = f'<text x="{x + 52}" y="{y + 14}" font-weight="600" fill="currentColor">{family}</text>'
        cells.append(title + drawing.replace("<svg ", f'<svg x="{x}" y="{y + _TITLE}" ', 1))
    width, height = _COLUMNS * _CELL_WIDTH, -(-len(step_families()) // _COLUMNS) * (_CELL_HEIGHT + _TITLE)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
    text = 'role="img" aria-label="learning rate by step, families" font-family="system-ui, sans-serif" font-size="12">'
    return head + text + _paper("svg{color:%s}") + "".join(cells) + "</svg>"


def _paper(rule: str) -> str:
    """Return a style for light and for dark paper; %s in the rule is the colour of text."""
    return f"<style>{rule % '#1f2328'}@media(prefers-color-scheme:dark){{{rule % '#e6edf3'}}}</style>"


def study_pictures(storage: str, study_name: str) -> dict[str, str]:
    """Return file name -> SVG: the verdict, and how the preferred candidate learned, as `lrsearch report` draws them.

    Raises:
        InputError: if there is no such study, or it has no verdict.
    """
    from lrsearch.errors import InputError
    from lrsearch.report.curves import learning_data
    from lrsearch.report.figures.forest import forest_data, forest_figure, headline
    from lrsearch.report.figures.learning import candidate_figure
    from lrsearch.report.source import read_source
    from lrsearch.storage import open_existing

    source = read_source(open_existing(storage), study_name)
    if source.comparison is None:
        raise InputError(f"study {study_name!r} has no verdict: {source.why_not}")
    rows = headline(forest_data(source.comparison))
    name = source.comparison.preferred or rows[0].better
    runs = [run for run in source.confirmation if run.family == name]
    learning = learning_data(name, runs, epochs=source.config.training.epochs, metric=source.metric)
    if learning is None:
        raise InputError(f"study {study_name!r} kept no curve of {name}")
    return {
        "forest.svg": _by_chromium(forest_figure(rows, source.comparison.settings)),
        "learning.svg": _by_chromium(candidate_figure(learning, source.styles[name])),
    }


def _by_chromium(figure: Any, width: int = 760) -> str:
    """Return a Plotly figure as SVG, drawn by Plotly itself in a headless browser."""
    from plotly.offline import get_plotlyjs

    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("the figures of a study are drawn by chromium, which is not installed here")
    height = figure.layout.height
    draw = (
        f"Plotly.newPlot('figure', {figure.to_json()})"
        f".then(figure => Plotly.toImage(figure, {{format: 'svg', width: {width}, height: {height}}}))"
        ".then(image => { document.body.textContent = decodeURIComponent(image.slice(image.indexOf(',') + 1)) })"
    )
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(f'<script>{get_plotlyjs()}</script><body><div id="figure"></div><script>{draw}</script>')
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
        profile = f"--user-data-dir={folder}/profile"
        shown = subprocess.run([browser, *flags, profile, page.as_uri()], capture_output=True, text=True, check=True)
    svg = re.search(r"&lt;svg.*/svg&gt;", shown.stdout, re.DOTALL)
    if svg is None:
        raise SystemExit(f"chromium drew nothing: {shown.stderr[-500:]}")
    # The page of a report draws its grid faintly by its stylesheet; a file of its own needs to say so itself.
    style = _paper("text{fill:%s!important}") + "<style>.gridlayer path{stroke-opacity:.3!important}</style>"
    return unescape(svg.group()).replace(">", f">{style}", 1)


def write(pictures: Mapping[str, str]) -> None:
    """Write pictures into the folder of the documentation."""
    for name, svg in pictures.items():
        (PICTURES / name).write_text(svg + "\n", encoding="utf-8")
        print(f"{PICTURES / name}: {len(svg) / 1000:.0f} kB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage")
    parser.add_argument("--study-name")
    arguments = parser.parse_args()
    write(schedule_pictures())
    if arguments.storage:
        write(study_pictures(arguments.storage, arguments.study_name))
