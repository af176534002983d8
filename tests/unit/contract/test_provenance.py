import json
from typing import Any

import pytest
from pydantic import ValidationError

from emolens.contract import Provenance
from tests.made import MADE


def test_the_text_is_ascii_and_gives_the_record_back() -> None:
    made = MADE.of_image("/home/jane/München\n<b>.jpg", (640, 480))
    text = made.to_json()
    assert text.isascii()
    assert "\n" not in text
    assert Provenance.model_validate(json.loads(text)) == made


def test_an_image_is_named_without_its_folder() -> None:
    source = MADE.of_image("/home/jane/a.jpg", (640, 480)).input
    assert source is not None
    assert (source.kind, source.name, source.width, source.height) == ("image", "a.jpg", 640, 480)


def test_a_name_with_undecodable_bytes_can_be_written() -> None:
    made = MADE.of_image("caf\udce9.jpg", (1, 1))
    assert "caf\\\\udce9.jpg" in made.to_json()


def test_a_record_of_a_later_version_is_read() -> None:
    values: dict[str, Any] = json.loads(MADE.to_json())
    values["weather"] = "sunny"
    values["model"]["color"] = "blue"
    assert Provenance.model_validate(values) == MADE


def test_a_digest_is_a_digest() -> None:
    values: dict[str, Any] = json.loads(MADE.to_json())
    values["model"]["sha256"] = "unknown"
    with pytest.raises(ValidationError):
        Provenance.model_validate(values)
