import re
from dataclasses import replace

import numpy as np
import pytest
from markupsafe import escape

from emolens.datasets.faces import DetectedFace
from emolens.evaluation.by_group import metrics_by_group
from emolens.evaluation.comparison import compare
from emolens.evaluation.detection import detection_metrics, image_hits
from emolens.evaluation.evaluation import Evaluation, evaluate
from emolens.evaluation.leaks import Leaks
from emolens.reports.evaluation_page import (
    Gallery,
    Subject,
    example_hits,
    example_mistakes,
    thumbnails,
    write_report,
)
from emolens.reports.page import percent
from tests.made import MADE
from tests.unit.evaluation.cases import answers, evaluation, faces_with_votes

pytestmark = pytest.mark.slow

SUBJECT = Subject(
    model="<mine>",
    model_sha256="a" * 64,
    data="faces.parquet",
    data_sha256="b" * 64,
    split="PublicTest",
    target="label",
    training="faces.parquet",
    tta=False,
    rival=None,
    made=MADE,
)


def test_a_page_stands_alone_escapes_names_and_shows_nobody() -> None:
    found = evaluation()
    page = write_report(found, SUBJECT)
    assert "&lt;mine&gt;" in page
    assert "<mine>" not in page
    assert not re.search(r"(?:src|href)=[\"'](?!data:|#)", page)
    assert "<img" not in page
    assert percent(found.metrics.accuracy) in page
    assert page.count("<svg") == 5
    assert page == write_report(found, SUBJECT)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 0


def test_a_page_names_a_ground_truth_other_than_the_label() -> None:
    found = evaluation()
    of_labels = write_report(found, SUBJECT)
    assert "The ground truth is" not in of_labels
    assert "labels of the data set:" in of_labels
    page = write_report(found, replace(SUBJECT, target="majority"))
    assert "The ground truth is the majority vote of FER+" in page
    # The ground truth is the vote itself, so the labels are not compared with it.
    assert "labels of the data set:" not in page


def test_faces_are_shown_when_asked_for() -> None:
    found = evaluation()
    faces = faces_with_votes(140)
    rows = example_mistakes(found)
    mistakes = thumbnails(found, list(faces.images[rows]), rows)
    page = write_report(found, SUBJECT, Gallery(mistakes, (), (), ""))
    assert page.count("<img") == len(mistakes) > 5
    assert f"predicted {mistakes[0].predicted}" in page


def test_example_hits_are_of_every_class_and_of_any_confidence() -> None:
    found = evaluation()
    predictions = found.predictions
    rows = example_hits(found)
    assert predictions.hits[rows].all()
    assert np.bincount(predictions.labels[rows]).tolist() == [3] * 7
    for label in range(7):
        of_label = predictions.confidence[predictions.hits & (predictions.labels == label)]
        first, middle, last = predictions.confidence[rows[predictions.labels[rows] == label]]
        assert (first, last) == (of_label.max(), of_label.min())
        assert first >= middle >= last
        assert abs((of_label > middle).sum() - (of_label < middle).sum()) <= 1


def test_example_mistakes_are_spread_over_the_labels() -> None:
    found = evaluation()
    predictions = found.predictions
    rows = example_mistakes(found)
    assert not predictions.hits[rows].any()
    n_wrong = np.bincount(predictions.labels[~predictions.hits], minlength=7)
    n_shown = np.bincount(predictions.labels[rows], minlength=7)
    assert n_shown.sum() == min(24, n_wrong.sum())
    # A label with more mistakes to show is at most one behind the others.
    assert (n_shown[n_wrong > n_shown] >= n_shown.max() - 1).all()
    for label in range(7):
        shown = predictions.confidence[rows[predictions.labels[rows] == label]]
        all_wrong = predictions.confidence[~predictions.hits & (predictions.labels == label)]
        assert shown.tolist() == sorted(all_wrong, reverse=True)[: len(shown)]


def test_one_class_is_no_reason_to_repeat_a_face() -> None:
    faces = faces_with_votes(70)
    happy = faces.take(np.flatnonzero(faces.labels == 3)[:2])
    leaks = Leaks(np.arange(2), None, None)
    found = evaluate(answers(happy, share_right=1.0), happy, leaks, temperature=1.0)
    assert sorted(example_hits(found).tolist()) == [0, 1]
    assert example_mistakes(found).tolist() == []


def test_classes_without_faces_are_named_and_not_drawn() -> None:
    faces = faces_with_votes(70)
    three = faces.take(np.flatnonzero(np.isin(faces.labels, (0, 3, 6))))
    leaks = Leaks(np.arange(len(three)), None, None)
    found = evaluate(answers(three, share_right=1.0), three, leaks, temperature=1.0)
    page = write_report(found, SUBJECT)
    assert "<p>No faces: disgust, fear, sad, surprise.</p>" in page
    for label in ("disgust", "fear", "sad", "surprise"):
        assert page.count(label) == 1
    assert "Confusion matrix of the labels angry, happy, neutral." in page


def test_a_model_is_named_with_its_digest_and_no_quotes_of_an_alias() -> None:
    page = write_report(evaluation(), replace(SUBJECT, model="everyday"))
    assert "<h1>Evaluation of the model everyday (aaaaaaaa) on PublicTest</h1>" in page


def test_the_majority_vote_is_not_compared_with_itself() -> None:
    found = evaluation()
    assert found.votes is not None
    of_labels = write_report(found, SUBJECT)
    assert ">labels of the data set</th>" in of_labels
    votes = replace(found.votes, labels_with_majority=1.0)
    page = write_report(replace(found, votes=votes), replace(SUBJECT, target="majority"))
    section = page[page.index("Agreement with raters") : page.index("Results by subgroup")]
    assert "labels of the data set" not in section
    assert percent(1.0) not in section
    assert percent(votes.labels_with_single_rater) in section
    assert "agreement with the majority vote" not in page
    soft = write_report(found, replace(SUBJECT, target="soft"))
    assert "labels of the data set" not in soft
    assert "the majority vote itself" not in soft


def test_a_rival_and_ten_views_have_their_sections() -> None:
    found = evaluation()
    faces = faces_with_votes(140)
    others = answers(faces, share_right=0.5, seed=1)
    rivalled = evaluate(others, faces, Leaks(np.arange(140), None, None), temperature=1.0)
    compared = replace(
        found,
        rival=rivalled.metrics,
        comparison=compare(found.predictions, others),
        one_view=found.metrics,
        views=compare(others, found.predictions),
    )
    page = write_report(compared, replace(SUBJECT, rival="other", tta=True))
    assert "Comparison of &lt;mine&gt; with other" in page
    assert "Comparison of ten views with one view" in page
    assert page.count("<svg") == 6


@pytest.mark.parametrize("n_faces", [1, 7])
def test_tiny_and_perfect_sets_have_a_page_too(n_faces: int) -> None:
    faces = faces_with_votes(n_faces)
    leaks = Leaks(np.arange(n_faces), None, None)
    found = evaluate(answers(faces, share_right=1.0), faces, leaks, temperature=1.0)
    page = write_report(found, SUBJECT)
    assert "no threshold is known to reach this accuracy" in page
    assert "not defined" in page


def with_groups(names: list[str]) -> Evaluation:
    """An evaluation of photographs, of which every tenth has no face."""
    n_images = len(names)
    detected = tuple(DetectedFace(0 if row % 10 == 9 else 1) for row in range(n_images))
    rows = np.array([row for row in range(n_images) if row % 10 != 9])
    faces = faces_with_votes(len(rows))
    predictions = answers(faces)
    leaks = Leaks(np.arange(len(rows)), None, None)
    images = np.arange(n_images)
    hits = image_hits(predictions, rows, n_images)
    return replace(
        evaluate(predictions, faces, leaks, temperature=1.0),
        detection=detection_metrics(detected, hits, images),
        by_group=metrics_by_group(
            "a $ & <b>", names, predictions, rows, duplicates=images, detected=detected
        ),
    )


def test_a_page_shows_detection_and_groups_of_any_name(recwarn: pytest.WarningsRecorder) -> None:
    found = with_groups(["<i>$5-$10"] * 100 + ["日本"] * 90 + ["x"] * 10)
    page = write_report(found, SUBJECT)
    assert found.detection is not None
    assert found.by_group is not None
    assert "Results by group: a $ &amp; &lt;b&gt;" in page
    assert "<i>" not in page
    assert "&lt;i&gt;$5-$10 (90)" in page
    assert "Differences from &lt;i&gt;$5-$10, in percentage points" in page
    assert "Images without a face: 20." in page
    assert percent(found.detection.all_images.accuracy) in page
    assert "accuracy of images with a face" in page
    for note in found.by_group.notes:
        assert str(escape(note)) in page
    assert page.count("<svg") == 6
    assert page == write_report(found, SUBJECT)
    assert not [str(one.message) for one in recwarn if "Glyph" in str(one.message)]


def test_a_page_without_detection_and_groups_mentions_neither() -> None:
    page = write_report(evaluation(), SUBJECT)
    assert "Results by group" not in page
    assert "with a face" not in page
    assert "all images" not in page
