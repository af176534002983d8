import json
from dataclasses import replace

import pytest

from emolens.core.emotion import LABELS
from emolens.core.errors import ModelError
from emolens.core.manifest import InputSpec, ModelManifest

MANIFEST = ModelManifest(
    name="small",
    labels=LABELS,
    input=InputSpec(size_px=48, mean=0.5, std=0.25),
    temperature=1.2,
    dataset="FER2013",
    code_revision="unknown",
    metrics={"accuracy": 0.6},
    license="Apache-2.0",
)


def changed(**values: object) -> str:
    return json.dumps({**json.loads(MANIFEST.to_json()), **values})


def test_text_form_reads_back() -> None:
    assert ModelManifest.from_json(MANIFEST.to_json()) == MANIFEST


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "JSON object"),
        (changed(colour="red"), "unknown keys.*colour"),
        (changed(labels=list(reversed(LABELS))), "labels are.*in this order"),
        (changed(labels="angry"), "must be a list"),
        (changed(schema_version=2), "schema_version is 2"),
        (changed(temperature=0), "temperature"),
        (changed(sha256="abc"), "64 hexadecimal"),
        (changed(input={"size_px": 48, "mean": 0.5, "std": 0.25, "crop": 1}), "input.crop"),
        (changed(input={"size_px": 48, "mean": 0.5}), "missing keys or values of a wrong type"),
        (
            changed(input={"size_px": "48", "mean": 0.5, "std": 0.2}),
            "missing keys or values of a wrong type",
        ),
        (changed(temperature="warm"), "missing keys or values of a wrong type"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ModelManifest.from_json(text)


@pytest.mark.parametrize(
    "values",
    [
        {"size_px": 8},
        {"std": 0.0},
        {"color": "rgb"},
        {"interpolation": "nearest"},
        {"framing": "x"},
    ],
)
def test_impossible_inputs_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="input"):
        replace(MANIFEST.input, **values)  # type: ignore[arg-type]  # wrong on purpose
