"""What a notebook shows of a schedule."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

from lrsearch.errors import InputError
from lrsearch.schedules import PerEpoch, ReduceOnPlateau, Schedule, make_schedule
from lrsearch.schedules.drawing import Line, curves_svg
from lrsearch.schedules.families import Constant
from tests.strategies import quick, schedules

SVG = "{http://www.w3.org/2000/svg}"


def _svg(html: str) -> ElementTree.Element:
    svg = re.search(r"<svg.*</svg>", html)
    assert svg is not None
    return ElementTree.fromstring(svg.group())


def _points(svg: ElementTree.Element) -> np.ndarray:
    line = svg.find(f"{SVG}polyline")
    assert line is not None
    return np.array([[float(number) for number in point.split(",")] for point in line.attrib["points"].split()])


@quick
@given(schedules(max_steps=100))
def test_a_schedule_shows_its_parameters_and_its_whole_curve(schedule: Schedule) -> None:
    """Every parameter is named, and the drawn line is the curve, its peak at the top and 0 at the bottom."""
    html = schedule._repr_html_()
    assert all(f"{name} = " in html for name in schedule.params() if name != "family")
    svg = _svg(html)
    points, rates = _points(svg), schedule.lr(np.arange(schedule.total_steps))
    assert schedule.total_steps == len(points)
    assert (np.diff(points[:, 0]) > 0).all()
    height = float(svg.attrib["height"])
    top, bottom = 8.0, height - 20
    np.testing.assert_allclose(bottom - rates / rates.max() * (bottom - top), points[:, 1], atol=0.051)


def test_a_long_run_is_drawn_with_few_points_and_keeps_its_jumps() -> None:
    """Of a million steps some hundreds are drawn; a drop stays a vertical line."""
    schedule = make_schedule("multistep", total_steps=1_000_000, base_lr=0.1, milestones=(500_001,), gamma=0.1)
    points = _points(_svg(schedule._repr_html_()))
    assert 240 <= len(points) <= 243
    widths, heights = np.diff(points[:, 0]), np.diff(points[:, 1])
    assert widths[np.argmax(heights)] < 0.11
    assert 1 == np.sum(heights > 0)


def test_steps_that_are_epochs_are_called_epochs() -> None:
    """A schedule stepped once per epoch is drawn over epochs, its lag included."""
    html = PerEpoch(Schedule(0.1, 0, 0.0, 4, Constant()), lag_lr=0.2)._repr_html_()
    assert "epoch 0" in html
    assert "lag_lr = 0.2" in html
    heights = _points(_svg(html))[:, 1]
    assert heights[0] < heights[1] == heights[2] == heights[3]


def test_what_follows_a_metric_has_no_curve_and_says_so() -> None:
    """reduce_on_plateau shows its rule and its parameters, and that its rate depends on the run."""
    html = ReduceOnPlateau(base_lr=0.5, total_steps=6, patience=2)._repr_html_()
    assert "<svg" not in html
    assert "No curve: its rate follows the validation loss" in html
    assert "patience = 2" in html


def test_a_run_too_long_to_draw_says_so() -> None:
    """A schedule of a billion steps shows all but its curve, at once."""
    html = make_schedule("constant", total_steps=10**9, base_lr=0.1)._repr_html_()
    assert "<svg" not in html
    assert "a run of more than 10,000,000 steps is not drawn" in html


def test_names_are_text_in_a_picture_and_never_markup() -> None:
    """A name with the signs of XML comes back as it was."""
    svg = ElementTree.fromstring(curves_svg([Line("<b>&", np.ones(3))], alone=True))
    assert "<b>&" in svg.attrib["aria-label"]
    assert ["<b>&"] == [title.text for title in svg.iter(f"{SVG}title")]


def test_text_takes_the_colour_of_its_page() -> None:
    """Axes and text have the page's own colour; a file of its own brings one for dark and one for light paper."""
    inside, alone = (curves_svg([Line("a", np.ones(3))], alone=alone) for alone in (False, True))
    assert inside.count("currentColor") == alone.count("currentColor") > 4
    assert "<style>" not in inside
    assert "prefers-color-scheme:dark" in alone


def test_several_curves_are_named_in_their_colours() -> None:
    """The names stand above the plot, each in the colour of its curve; a single curve needs none."""
    svg = ElementTree.fromstring(curves_svg([Line("a", np.ones(3)), Line("b", np.zeros(3))]))
    colours = [line.attrib["stroke"] for line in svg.iter(f"{SVG}polyline")]
    named = {text.text: text.attrib["fill"] for text in svg.iter(f"{SVG}text")}
    assert 2 == len(set(colours))
    assert colours == [named["a"], named["b"]]
    assert ">a</text>" not in curves_svg([Line("a", np.ones(3))])


@pytest.mark.parametrize("count", [0, 5])
def test_a_picture_holds_one_to_four_curves(count: int) -> None:
    """No curve at all, or more than there are colours, is refused."""
    with pytest.raises(InputError, match="1 to 4 curves"):
        curves_svg([Line("a", np.ones(3))] * count)
