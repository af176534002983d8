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
