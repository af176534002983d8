"""Pages: one self-contained HTML file each, that opens offline and asks nothing of any server."""

import base64

import cv2
import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined


def to_data_uri(image: npt.NDArray[np.uint8]) -> str:
    """A uint8 (H, W) grey or (H, W, 3) BGR image as a PNG inside an address."""
    return file_data_uri(cv2.imencode(".png", image)[1].tobytes(), "image/png")


def file_data_uri(content: bytes, media_type: str) -> str:
    """The bytes of a file inside an address, e.g. of a JPEG with `"image/jpeg"`."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def render_page(template: str, **context: object) -> str:
    """Fill a template of `reports/templates`; every value is escaped, every name must be known.

    Args:
        template: Name of a file there; it extends `page.html`.
        context: What the template names.
    """
    environment = Environment(
        loader=PackageLoader("emolens.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["figure"] = number_text
    environment.filters["chance"] = chance_text
    return environment.get_template(template).render(context)


def percent(share: float | None, digits: int = 1) -> str:
    """0.7244 as "72.4 %", never broken over two lines; None as "not defined"."""
    return "not defined" if share is None else f"{100 * share:.{digits}f}\u00a0%"


def number_text(value: float | None, digits: int = 3) -> str:
    """0.71444 as "0.714"; None as "not defined"."""
    return "not defined" if value is None else f"{value:.{digits}f}"


def chance_text(chance: float) -> str:
    """0.03124 as "= 0.031"; what is below 0.001 says no more than that."""
    return "< 0.001" if chance < 0.001 else f"= {chance:.3f}"
