from dataclasses import replace
from pathlib import Path

import pytest

from emolens.core.emotion import LABELS
from emolens.core.errors import InputError
from emolens.core.manifest import InputSpec, ModelManifest
from emolens.reports.model_card import CardSubject, EvaluationRecord, read_record, write_card
from tests.made import MADE

SUBJECT = CardSubject(
    ModelManifest(
        name="tiny",
        labels=LABELS,
        input=InputSpec(size_px=48, mean=0.5, std=0.25),
        temperature=0.8,
        dataset="drawn stripes",
        code_revision="abc",
        metrics={},
        license="CC0-1.0",
    ),
    sha256="f" * 64,
    size_bytes=2_500_000,
)


def results(**changes: object) -> EvaluationRecord:
    of_class = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "support": 8}
    per_class: dict[str, object] = dict.fromkeys(LABELS, of_class)
    per_class["disgust"] = {"precision": None, "recall": None, "f1": None, "support": 0}
    values = {
        "model_sha256": "f" * 64,
        "split": "PublicTest",
        "n": 3589,
        "tta": False,
        "accuracy": 0.7,
        "accuracy_ci95": [0.68, 0.72],
        "balanced_accuracy": 0.65,
        "macro_f1": 0.66,
        "nll": 0.9,
        "ece": 0.02,
        "per_class": per_class,
    }
    return EvaluationRecord.model_validate({**values, **changes})


def test_a_card_says_how_its_metrics_were_made() -> None:
    measured = [results(), results(provenance=MADE.to_dict()), results(provenance=MADE.to_dict())]
    assert write_card(SUBJECT, measured).count("Made with emolens 1.2.3 on 4 May 2026") == 1
    assert "Made with" not in write_card(SUBJECT, [results()])


def test_a_card_has_the_metrics() -> None:
    card = write_card(SUBJECT, [results(), results(tta=True, accuracy=0.712)])
    assert card.startswith("# The emotion model `tiny`\n")
    start = "PublicTest, 3,589 faces, labels"
    assert f"| | {start}, one view | {start}, ten views |" in card
    assert "| accuracy | 70.0 % | 71.2 % |" in card
    assert "| 95 % interval | 68.0 % to 72.0 % |" in card
    assert "| happy: precision, recall, F1 | 50.0 %, 25.0 %, 33.3 % |" in card
    assert "| disgust: precision, recall, F1 | not defined, not defined, not defined |" in card
    for words in ("2.5 MB", "drawn stripes", "CC0-1.0", "f" * 64, "apparent expression"):
        assert words in card
    assert "280" not in card


def test_a_card_names_the_ground_truth() -> None:
    card = write_card(SUBJECT, [results(target="majority", n=3372)])
    assert "| | PublicTest, 3,372 faces, majority vote, one view |" in card


def test_limitations_of_fer2013_are_on_cards_of_its_models_only() -> None:
    manifest = replace(SUBJECT.manifest, dataset="FER2013 with FER+ votes")
    assert "280 of its images" in write_card(replace(SUBJECT, manifest=manifest), [results()])


def test_a_pretrained_network_has_a_section() -> None:
    assert "| initial weights | random |" in write_card(SUBJECT, [results()])
    name = "dlib_face_recognition_resnet_model_v1"
    for pretrained in (name, f"another + {name}"):
        manifest = replace(SUBJECT.manifest, pretrained=pretrained)
        card = write_card(replace(SUBJECT, manifest=manifest), [results()])
        assert f"| initial weights | `{pretrained}` |" in card
        assert "public domain" in card
    manifest = replace(SUBJECT.manifest, pretrained="another")
    assert "public domain" not in write_card(replace(SUBJECT, manifest=manifest), [results()])


def test_metrics_of_another_model_are_refused() -> None:
    with pytest.raises(InputError, match="Run `emolens evaluate` again"):
        write_card(SUBJECT, [results(model_sha256="0" * 64)])


def test_files_without_metrics_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content, message in [
        ("no json", "a.json: not a file of `emolens evaluate --json`: Invalid JSON"),
        ("[]", "should be an object"),
        ('{"accuracy": 1}', "model_sha256: Field required"),
    ]:
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            read_record(path)
    with pytest.raises(InputError, match="cannot read"):
        read_record(tmp_path / "none.json")
    path.write_text(results().model_dump_json())
    assert read_record(path).accuracy == 0.7


def test_a_card_has_limitations() -> None:
    card = " ".join(write_card(SUBJECT, [results()]).split())
    for words in ("does not detect covers", "behind a mask", "drawn, painted", "0014-covered"):
        assert words in card
