import itertools
import re

import matplotlib as mpl
import pytest
from matplotlib.ticker import FuncFormatter

from emolens.reports.svg import NiceLocator, new_figure, plotting, to_svg


def test_a_figure_is_inline_searchable_the_same_every_time_and_described() -> None:
    def draw() -> str:
        with plotting():
            figure = new_figure(2, 1)
            axes = figure.subplots()
            axes.plot([0, 1], [1, 0])
            axes.set_title("a < b")
            return str(to_svg(figure, 'plot of "x"'))

    drawing = draw()
    assert drawing == draw()
    assert drawing.startswith('<svg role="img" aria-label="plot of &#34;x&#34;" ')
    assert "a &lt; b</text>" in drawing
    assert "<?xml" not in drawing


@pytest.mark.parametrize(
    "top", [0.013, 0.021, 0.07, 0.22, 0.31, 0.9, 2.1, 12.4, 19, 78, 1234, 21_000]
)
def test_ticks_are_at_equal_nice_steps(top: float) -> None:
    with plotting():
        figure = new_figure(4, 3)
        axes = figure.subplots()
        axes.plot([0, top], [0, top])
        axes.set_ylim(0, top)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"tick {value:.9f}"))
        drawing = str(to_svg(figure, "a plot"))
    seen = sorted({float(text) for text in re.findall(r"tick (-?[0-9.]+)</text>", drawing)})
    assert len(seen) >= 4
    (step,) = {f"{after - before:.1e}" for before, after in itertools.pairwise(seen)}
    assert step[0] in "125"
    assert step[2] == "0"


def test_counts_have_whole_ticks() -> None:
    with plotting():
        figure = new_figure(4, 3)
        axes = figure.subplots()
        axes.bar([0, 1], [1, 2])
        axes.yaxis.set_major_locator(NiceLocator(is_count=True))
        to_svg(figure, "a plot")
        assert all(float(tick).is_integer() for tick in axes.get_yticks())


def test_plotting_leaves_the_settings_of_others_alone() -> None:
    before = dict(mpl.rcParams)
    with plotting():
        assert mpl.rcParams["svg.fonttype"] == "none"
    assert dict(mpl.rcParams) == before
