import base64
import json
import re

import cv2
import numpy as np
import pytest
from jinja2 import UndefinedError

from emolens.contract import Provenance
from emolens.reports.page import (
    chance_text,
    file_data_uri,
    number_text,
    percent,
    render_page,
    to_data_uri,
)
from tests.made import MADE, runs_nothing


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours such as "#1c1c1e" (WCAG 2.2)."""

    def luminance(color: str) -> float:
        shares = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_an_image_becomes_an_address_that_holds_it() -> None:
    image = np.arange(48, dtype=np.uint8).reshape(6, 8)
    uri = to_data_uri(image)
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(decoded, image)


def test_a_page_asks_nothing_of_any_server() -> None:
    page = render_page("page.html", made=MADE)
    assert "default-src 'none'" in page
    assert not re.search(r"https?://", page)


def test_a_name_that_is_missing_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError):
        render_page("evaluation.html", made=MADE)


@pytest.mark.parametrize(
    ("given", "expected"), [(0.72444, "72.4\u00a0%"), (None, "not defined"), (0, "0.0\u00a0%")]
)
def test_percent(given: float | None, expected: str) -> None:
    assert percent(given) == expected


def test_number_text() -> None:
    assert number_text(0.71449) == "0.714"
    assert number_text(None) == "not defined"


def test_a_tiny_chance_is_no_zero() -> None:
    assert chance_text(1e-9) == "< 0.001"
    assert chance_text(0.03124) == "= 0.031"


def test_every_page_says_how_it_was_made() -> None:
    page = render_page("page.html", made=MADE)
    footer = page[page.index("<footer>") : page.index("</footer>")]
    assert "Made with emolens 1.2.3 on 4 May 2026, 10:20 UTC: model everyday" in footer
    assert f"<code>{'a' * 64}</code>" in footer
    (record,) = re.findall(r'<script type="application/json" id="provenance">(.*)</script>', page)
    assert Provenance.model_validate(json.loads(record)) == MADE


def test_a_page_runs_no_script_unless_it_says_so() -> None:
    page = render_page("page.html", made=MADE)
    assert "script-src" not in page
    assert runs_nothing(page)


def test_the_bytes_of_a_file_become_an_address() -> None:
    assert file_data_uri(b"abc", "image/jpeg") == "data:image/jpeg;base64,YWJj"


def colors_of(block: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))


@pytest.mark.parametrize("is_dark", [False, True])
def test_texts_are_readable_on_light_and_on_dark_screens(is_dark: bool) -> None:
    light, dark, figure = re.findall(
        r"(?::root|figure) \{([^}]*--ink[^}]*)\}", render_page("page.html", made=MADE)
    )
    colors = colors_of(dark if is_dark else light)
    assert colors.keys() == colors_of(light).keys()
    for paper in ("paper", "panel", "note"):
        assert contrast(colors["ink"], colors[paper]) >= 7
        assert contrast(colors["quiet"], colors[paper]) >= 4.5
    # Charts stay on white, for which their colours are chosen.
    assert "background: #ffffff" in figure
    assert colors_of(figure) == {name: colors_of(light)[name] for name in ("ink", "quiet")}
