"""Pages: one self-contained HTML file each, that opens offline and asks nothing of any server."""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import seaborn as sns
from jinja2 import Environment, PackageLoader, StrictUndefined
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


def to_data_uri(picture: npt.NDArray[np.uint8]) -> str:
    """A uint8 (H, W) grey or (H, W, 3) BGR picture as a PNG inside an address."""
    encoded = cv2.imencode(".png", picture)[1].tobytes()
    return f"data:image/png;base64,{base64.b64encode(encoded).decode('ascii')}"


def render_page(template: str, **context: object) -> str:
    """Fill a template of `evaluation/templates`; every value is escaped, every name must be known.

    Args:
        template: Name of a file there; it extends `page.html`.
        context: What the template names.
    """
    environment = Environment(
        loader=PackageLoader("emolens.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["figure"] = figure_text
    environment.filters["chance"] = chance_text
    return environment.get_template(template).render(context)


def percent(share: float | None, digits: int = 1) -> str:
    """0.7244 as "72.4 %", never broken over two lines; None as "not defined"."""
    return "not defined" if share is None else f"{100 * share:.{digits}f}\u00a0%"


def figure_text(value: float | None, digits: int = 3) -> str:
    """0.71444 as "0.714"; None as "not defined"."""
    return "not defined" if value is None else f"{value:.{digits}f}"


def chance_text(chance: float) -> str:
    """0.03124 as "= 0.031"; what is below 0.001 says no more than that."""
    return "< 0.001" if chance < 0.001 else f"= {chance:.3f}"
