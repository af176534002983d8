import dataclasses
import datetime as dt
import inspect
import platform
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

import emolens
from emolens.contract import Provenance
from emolens.core.errors import ConfigError
from emolens.jobs.evaluate import EvaluationJob
from emolens.jobs.video import VideoJob
from emolens.pipeline.models import Models
from emolens.pipeline.provenance import provenance
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.runtime.catalogue import find_known_model
from emolens.smoothing import ExponentialSmoother, LabelHysteresis
from emolens.testing.fakes import FakeClassifier, FakeDetector
from emolens.tracking import build_tracker

MODELS: Final = Models()
# Another allowed value of every option of `Models.image_analyzer`, and why some change no result.
OTHER_VALUES: Final = {
    "face_crops": True,
    "detector_px": 320,
    "sideways": False,
    "min_confidence": 0.4,
}
NO_EFFECT: Final = {"max_pixels": "refuses images and changes no result"}
# Fields of a job that are outputs, or are recorded otherwise.
OUTPUTS: Final = {"tables", "annotated", "report", "summary", "thumbnails"}
RECORDED: Final = {"draw_options", "settings", "tracker"}


def other(value: object) -> Any:
    """Return another allowed value of a setting."""
    match value:
        case bool():
            return not value
        case None:
            return 1.0
        case int() | float():
            return value / 2 + 0.25
        case _:
            raise AssertionError(f"choose another value of {value!r} here")


def without_time(made: Provenance) -> dict[str, Any]:
    return {**made.to_dict(), "made_at": ""}


@pytest.mark.parametrize("field", dataclasses.fields(StreamSettings), ids=lambda field: field.name)
def test_every_setting_of_streams_is_recorded(field: Any) -> None:
    value = 320 if field.name == "detector_px" else other(getattr(StreamSettings(), field.name))
    one: dict[str, Any] = {field.name: value}
    changed = MODELS.stream_analyzer(settings=StreamSettings(**one)).provenance
    usual = MODELS.stream_analyzer().provenance
    if field.name == "detector_px":
        assert changed.detector is not None
        assert changed.detector.input_px == 320
    else:
        assert changed.settings[field.name] == value
    assert without_time(changed) != without_time(usual)


def test_every_option_of_image_analyzers_is_recorded() -> None:
    options = set(inspect.signature(Models.image_analyzer).parameters) - {"self"}
    assert options == {*OTHER_VALUES, *NO_EFFECT}, "record it in ImageAnalyzer.provenance"
    usual = without_time(MODELS.image_analyzer().provenance)
    for name, value in OTHER_VALUES.items():
        options_of_one: dict[str, Any] = {name: value}
        assert without_time(MODELS.image_analyzer(**options_of_one).provenance) != usual, name


def test_every_option_of_smoothers_and_trackers_is_recorded() -> None:
    for make, prefix in ((ExponentialSmoother, "smoothing_"), (LabelHysteresis, "hysteresis_")):
        names = [name for name in inspect.signature(make.__init__).parameters if name != "self"]
        assert set(make().description) == {prefix + name for name in names}
    assert provenance(build_tracker("ocsort", buffer_s=3)).settings == {"tracker_buffer_s": 3}


def test_the_smoother_that_ran_is_recorded() -> None:
    analyzer = StreamAnalyzer(
        FakeDetector([]), FakeClassifier(), smoother=ExponentialSmoother(tau_s=0.7)
    )
    assert analyzer.provenance.settings["smoothing_tau_s"] == 0.7


def test_fields_of_jobs_are_outputs_or_recorded() -> None:
    assert {field.name for field in dataclasses.fields(VideoJob)} == OUTPUTS | RECORDED


def test_settings_of_evaluations_can_be_recorded() -> None:
    made = provenance(dataclasses.replace(EvaluationJob(), training=Path("/home/jane/a.csv")))
    assert made.settings["training"] == "a.csv"
    names = {field.name for field in dataclasses.fields(EvaluationJob) if field.init}
    assert names - set(made.settings) == {"progress"}


def test_models_have_their_own_names_and_digests() -> None:
    made = MODELS.stream_analyzer().provenance
    assert made.model is not None
    assert made.detector is not None
    assert made.landmarks is not None
    for model in (made.model, made.detector, made.landmarks):
        assert model.sha256 == find_known_model(model.name).sha256
    assert made.model.name == "everyday"
    assert [one.target for one in made.model.measured] == ["majority", "label"]
    assert made.tracker == "bytetrack"


def test_a_copy_of_a_model_has_the_name_in_its_manifest(tmp_path: Path) -> None:
    copy = tmp_path / "jane.onnx"
    copy.write_bytes(find_known_model("labels-small").path.read_bytes())
    made = Models(model=copy).image_analyzer(face_crops=True).provenance
    assert made.model is not None
    assert made.model.name == "labels-small"
    assert made.detector is None
    assert "jane" not in made.to_json()


def test_components_of_other_programs_are_named() -> None:
    class Mine:
        def update(self, *_: object) -> None: ...

    analyzer = StreamAnalyzer(FakeDetector([]), FakeClassifier(), smoother=Mine())  # type: ignore[arg-type]
    made = analyzer.provenance
    assert made.detector is not None
    assert (made.detector.name, made.detector.sha256) == ("fake", None)
    assert made.model is not None
    assert (made.model.name, made.model.sha256) == ("FakeClassifier", None)
    assert made.settings["smoother"] == "Mine"


def test_software_is_named_in_general_words() -> None:
    made = provenance()
    assert made.emolens == emolens.__version__
    assert made.libraries["numpy"] == np.__version__
    assert set(made.libraries) >= {"onnxruntime", "av"}
    assert made.python == platform.python_version()
    text = made.to_json()
    assert platform.node() not in text
    assert str(Path.home()) not in text or str(Path.home()) == "/"
    assert made.command is None


def test_the_time_is_utc_and_reproducible(monkeypatch: pytest.MonkeyPatch) -> None:
    now = dt.datetime.fromisoformat(provenance().made_at)
    assert abs(dt.datetime.now(dt.UTC) - now) < dt.timedelta(minutes=1)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    assert provenance().made_at == "2027-01-15T08:00:00+00:00"


@pytest.mark.parametrize("text", ["tomorrow", "1.5", "9" * 30])
def test_a_time_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(ConfigError, match="SOURCE_DATE_EPOCH"):
        provenance()
