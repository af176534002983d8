from collections.abc import Iterable

import numpy as np

from emolens.core.face import QualityReason
from emolens.datasets.faces import DetectedFace
from emolens.evaluation.by_group import metrics_by_group
from emolens.evaluation.detection import detection_metrics
from emolens.reports.group_text import by_group_text, detection_text, points
from emolens.reports.text import Block, TextTable
from tests.unit.evaluation.cases import answers, faces_with_votes


def sentences(blocks: Iterable[Block]) -> str:
    return "\n".join(block for block in blocks if isinstance(block, str))


def tables(blocks: Iterable[Block]) -> list[TextTable]:
    return [block for block in blocks if isinstance(block, TextTable)]


def test_the_three_accuracies_of_whole_photographs_are_named() -> None:
    blurred = DetectedFace(1, (QualityReason.BLURRED,))
    detected = (DetectedFace(1), DetectedFace(2), blurred, DetectedFace(0))
    found = detection_metrics(detected, np.array([True, False, True, False]), np.arange(4))
    text = sentences(detection_text(found))
    assert "3 of 4 images have a face; 1 have several" in text
    assert "no label for 1 of these faces: blurred 1" in text
    assert "accuracy of all images **25.00%**" in text
    assert "an image without a face or without a label is not correct" in text
    assert "accuracy of images with a label **50.00%**" in text


def test_an_image_set_without_labels_has_no_accuracy_of_labels() -> None:
    found = detection_metrics((DetectedFace(0),), np.array([False]), np.arange(1))
    assert "with a label **" not in sentences(detection_text(found))


def test_groups_and_differences_are_tables_with_notes() -> None:
    faces = faces_with_votes(200)
    names = ["a\x1b[31m"] * 120 + ["b"] * 79 + ["c"]
    detected = (DetectedFace(1),) * 200
    found = metrics_by_group(
        "age\n", names, answers(faces), np.arange(200), duplicates=np.arange(200), detected=detected
    )
    blocks = list(by_group_text(found))
    groups, differences = tables(blocks)
    assert groups.headings[0] == "age\\n"
    assert [row[0] for row in groups.rows] == ["a\\x1b[31m", "b", "c"]
    assert [row[1] for row in groups.rows] == ["120", "79", "1"]
    assert "no face" in groups.headings
    assert all(len(row) == len(groups.headings) for row in groups.rows)
    assert differences.rows[0][:3] == ("b", "accuracy", "79")
    assert differences.rows[0][4] == points(found.differences[0].ci95)
    text = sentences(blocks)
    assert "differences from **a\\x1b[31m**, in percentage points" in text
    for note in found.notes:
        assert note in text


def test_a_group_without_any_face_is_listed() -> None:
    faces = faces_with_votes(40)
    detected = (*(DetectedFace(1),) * 40, DetectedFace(0))
    names = ["a"] * 40 + ["b"]
    found = metrics_by_group(
        "age", names, answers(faces), np.arange(40), duplicates=np.arange(41), detected=detected
    )
    [groups] = tables(by_group_text(found))
    assert groups.rows[1][:3] == ("b", "0", "-")
    assert groups.rows[1][-3:] == ("100.0%", "0.0%", "0.0%")


def test_points_have_a_sign() -> None:
    assert points((-0.0312, 0.004)) == "-3.1 to +0.4"
