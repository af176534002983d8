"""Drawn figures of pages: one style and one set of colours; needs the extra `report`."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import seaborn as sns
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Okabe and Ito 2008, "Color Universal Design": told apart with any colour vision and in grey.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6B6B6B"
SEQUENTIAL = "cividis"
"""Name of a colour map whose lightness rises evenly (Nunez et al. 2018)."""

_STYLE: dict[str, Any] = {
    "axes.edgecolor": "0.4",
    "axes.labelcolor": "0.15",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10.0,
    "grid.color": "0.9",
    "legend.frameon": False,
    # Text stays text, so that it can be searched and read aloud, and the file stays small.
    "svg.fonttype": "none",
    # The same figure gives the same bytes.
    "svg.hashsalt": "emolens",
}


_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@contextmanager
def plotting() -> Iterator[None]:
    """Draw in the project's style inside the block; nothing outside it is changed."""
    style: dict[str, Any] = {**sns.axes_style("whitegrid"), **_STYLE}
    with mpl.rc_context(style):  # type: ignore[arg-type]  # its keys are Literals there
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure that no window and no global state knows of; use it inside `plotting`."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasSVG(figure)
    return figure


def to_svg(figure: Figure, description: str) -> Markup:
    """A figure as inline SVG.

    Args:
        figure: What to show; call inside `plotting`.
        description: What it shows, in words, for people who do not see it.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    drawing = buffer.getvalue()
    drawing = _without_idle_ids(drawing[drawing.index("<svg") :])
    label = Markup('<svg role="img" aria-label="{}" ').format(description)
    return label + Markup(drawing.removeprefix("<svg "))  # noqa: S704 (matplotlib escapes texts)


def _without_idle_ids(drawing: str) -> str:
    """Leave out the ids that nothing refers to: several figures of a page would have the same."""
    used = set(re.findall(r"#([\w-]+)", drawing))
    return re.sub(
        r' id="([^"]*)"', lambda match: match.group() if match.group(1) in used else "", drawing
    )
