"""Plots as inline SVG, with one style and one palette; requires the extra `report`."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import seaborn as sns
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, MaxNLocator

# Okabe and Ito 2008, "Color Universal Design": distinguishable with any colour vision and in grey.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6B6B6B"
SEQUENTIAL = "cividis"
"""A colour map with uniformly increasing lightness (Nunez et al. 2018)."""

_STYLE: dict[str, Any] = {
    "axes.edgecolor": "0.4",
    "axes.labelcolor": "0.15",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10.0,
    "grid.color": "0.9",
    "legend.frameon": False,
    # Text remains text: searchable, readable by screen readers, and small.
    "svg.fonttype": "none",
    # Equal plots have equal bytes.
    "svg.hashsalt": "emolens",
}


class NiceLocator(MaxNLocator):
    """Ticks at equal steps of 1, 2 or 5 times a power of ten, so labels need no rounding.

    Args:
        is_count: Whether the steps are whole numbers.
    """

    def __init__(self, *, is_count: bool = False) -> None:
        super().__init__(nbins="auto", steps=[1, 2, 5, 10], integer=is_count)


_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@contextmanager
def plotting() -> Iterator[None]:
    """Apply the plot style inside a `with` block; settings outside it do not change."""
    style: dict[str, Any] = {**sns.axes_style("whitegrid"), **_STYLE}
    with mpl.rc_context(style):  # type: ignore[arg-type]  # its keys are Literals there
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """Create an empty figure without a window or global state; call inside `plotting`."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasSVG(figure)
    return figure


def to_svg(figure: Figure, description: str) -> Markup:
    """Convert a figure to inline SVG with ticks at nice steps; call inside `plotting`.

    Args:
        figure: The figure.
        description: A text alternative for screen readers.

    Returns:
        An `<svg>` element.
    """
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_locator(), AutoLocator):
                axis.set_major_locator(NiceLocator())
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Texts are drawn by the browser, which has other fonts.
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing from font", category=UserWarning
        )
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    drawing = buffer.getvalue()
    drawing = _without_unused_ids(drawing[drawing.index("<svg") :])
    label = Markup('<svg role="img" aria-label="{}" ').format(description)
    return label + Markup(drawing.removeprefix("<svg "))  # noqa: S704 (matplotlib escapes texts)


def _without_unused_ids(drawing: str) -> str:
    """Remove ids without references, which would occur several times on a page."""
    used = set(re.findall(r"#([\w-]+)", drawing))
    return re.sub(
        r' id="([^"]*)"', lambda match: match.group() if match.group(1) in used else "", drawing
    )
