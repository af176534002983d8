"""HTML pages: self-contained files without requests to any server."""

import base64
import json

import cv2
import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps

from emolens.contract import PROVENANCE_KEY, Provenance
from emolens.reports.methods_text import made_sentence


def to_data_uri(image: npt.NDArray[np.uint8]) -> str:
    """Encode an image, uint8 (H, W) grey or (H, W, 3) BGR, as a PNG in a data URI."""
    return file_data_uri(cv2.imencode(".png", image)[1].tobytes(), "image/png")


def file_data_uri(content: bytes, media_type: str) -> str:
    """Encode the bytes of a file as a data URI of a media type, such as `"image/jpeg"`."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def render_page(template: str, *, made: Provenance, **context: object) -> str:
    """Render a template of `reports/templates`. All values are escaped.

    Args:
        template: File name of a template that extends `page.html`.
        made: The record of how the content was made, for the footer and for programs.
        context: The variables of the template.

    Returns:
        The page as HTML.

    Raises:
        jinja2.UndefinedError: A variable of the template is missing.
    """
    environment = Environment(
        loader=PackageLoader("emolens.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["number"] = number_text
    environment.filters["chance"] = chance_text
    return environment.get_template(template).render(
        context,
        made=made,
        made_sentence=made_sentence(made),
        made_json=htmlsafe_json_dumps(made.to_dict(), dumps=_ascii_json),
        made_id=PROVENANCE_KEY,
    )


def _ascii_json(record: object, **_kwargs: object) -> str:
    return json.dumps(record, ensure_ascii=True, allow_nan=False)


def percent(share: float | None, digits: int = 1) -> str:
    """Format 0.7244 as "72.4 %" with a no-break space, and None as "not defined"."""
    return "not defined" if share is None else f"{100 * share:.{digits}f}\u00a0%"


def number_text(value: float | None, digits: int = 3) -> str:
    """Format 0.71444 as "0.714", and None as "not defined"."""
    return "not defined" if value is None else f"{value:.{digits}f}"


def chance_text(chance: float) -> str:
    """Format a p-value: 0.03124 as "= 0.031", values below 0.001 as "< 0.001"."""
    return "< 0.001" if chance < 0.001 else f"= {chance:.3f}"
