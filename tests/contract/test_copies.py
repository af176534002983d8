"""Every public result and setting can be copied, pickled and taken apart."""

import copy
import gc
import json
import multiprocessing
import pickle
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import emolens
from emolens.contract import Record
from emolens.core import errors
from emolens.core.errors import EmolensError, InputError
from emolens.core.face import TrackedFace, TrackState
from emolens.core.frame import FrameReference
from emolens.explanation import ActivationMaps, OcclusionMaps
from emolens.media.sample import sample_image
from emolens.pipeline.latency import Latency
from emolens.pipeline.runner import StreamStatus
from emolens.runtime.model_file import load_emotion_model
from emolens.sessions.session import SessionSummary
from tests.made import MADE
from tests.results import frame_and_result, scores, tracked_face

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
LANDMARKS = np.arange(10, dtype=np.float32).reshape(5, 2)
DETECTION = emolens.FaceDetection(emolens.Box(0, 1, 2, 3.5), 0.75, LANDMARKS)


def _session() -> emolens.Session:
    summary = SessionSummary(made=MADE)
    for index in range(3):
        summary.write(*frame_and_result(index, n_faces=2))
    return summary.finish()


def _result() -> emolens.FrameResult:
    _, result = frame_and_result(3, n_faces=2)
    return replace(result, timings_ms={"detection": 1.5}, warnings=("a note",), dropped_before=2)


PUBLIC = {
    "Box": emolens.Box(0, 1, 2, 3.5),
    "Clip": emolens.Clip(1.0, 2.0, 3),
    "EmotionScores": scores(),
    "FaceDetection": DETECTION,
    "FaceQuality": emolens.FaceQuality(40.0, 0.5, (emolens.QualityReason.BLURRED,)),
    "FaceResult": tracked_face(2),
    "FaceRoll": emolens.FaceRoll(-30.0, emolens.Box(0, 1, 2, 3.5), is_certain=False),
    "Frame": frame_and_result(3)[0],
    "FrameResult": _result(),
    "InputSpec": load_emotion_model("default").manifest.input,
    "DrawOptions": emolens.DrawOptions(blur=True),
    "ModelManifest": load_emotion_model("default").manifest,
    "Recorded": emolens.Recorded(
        _session(), ["damaged"], [], 2.0, {"capture to result": Latency(1, 2, 3, 4)}
    ),
    "Session": _session(),
    "SourceReport": emolens.SourceReport(12, warnings=["not square"]),
    "StreamSettings": emolens.StreamSettings.for_live(),
    "TrackSummary": _session().tracks[0],
    "VideoJob": emolens.VideoJob(tables=("faces.csv",), report="page.html"),
}
# They hold what grows, or a dict.
UNHASHABLE = ("ModelManifest", "Recorded", "SourceReport")
INSIDE = {
    "ActivationMaps": ActivationMaps(np.zeros((7, 2, 2), np.float32), scores(), (0.25, 0.75)),
    "OcclusionMaps": OcclusionMaps(np.zeros((7, 2, 2), np.float32), scores(), (0.25, 0.75)),
    "Latency": Latency(1, 2.0, 3.0, 4.0),
    "StreamStatus": StreamStatus(*range(len(fields(StreamStatus)))),
    "TrackedFace": TrackedFace(1, DETECTION.box, DETECTION, TrackState.SEEN, 1.0, 0.0),
    "FaceDetection without landmarks": replace(DETECTION, landmarks=None),
    "FaceDetection with a checked roll": replace(
        DETECTION, checked_roll=emolens.FaceRoll(90.0, DETECTION.box)
    ),
    "FrameResult without faces": emolens.FrameResult((4, 3), ()),
}
ALL = PUBLIC | INSIDE


def test_no_public_dataclass_is_forgotten() -> None:
    found = {name for name in emolens.__all__ if is_dataclass(getattr(emolens, name))}
    assert found == set(PUBLIC)
    assert all(type(one).__name__ == name for name, one in PUBLIC.items())


def arrays_of(thing: object) -> Iterator[np.ndarray]:
    if isinstance(thing, np.ndarray):
        yield thing
    elif isinstance(thing, tuple | list):
        for one in thing:
            yield from arrays_of(one)
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from arrays_of(getattr(thing, field.name))


def hash_of(thing: object) -> int | None:
    """A hash, or None for what has none."""
    return None if type(thing).__name__ in UNHASHABLE else hash(thing)


def is_locked(thing: object) -> list[bool]:
    return [not array.flags.writeable for array in arrays_of(thing)]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_pickled_comes_back_the_same(name: str, protocol: int) -> None:
    one = ALL[name]
    back = pickle.loads(pickle.dumps(one, protocol))
    assert type(back) is type(one)
    assert back == one
    assert hash_of(back) == hash_of(one)
    assert is_locked(back) == is_locked(one)
    assert all(is_locked(back))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, replace])
def test_a_copy_is_equal_and_keeps_its_promises(name: str, how: object) -> None:
    one = ALL[name]
    assert callable(how)
    made = how(one)
    assert made == one
    assert hash_of(made) == hash_of(one)
    assert is_locked(made) == is_locked(one)


def _plain(value: object) -> object:
    # JSON knows no arrays and no bytes of images; a public record has its own conversion.
    return value.to_dict() if isinstance(value, Record) else np.asarray(value).tolist()


@pytest.mark.parametrize("name", ALL)
def test_taken_apart_it_holds_what_json_can_hold(name: str) -> None:
    one = ALL[name]
    assert is_dataclass(one)
    parts = asdict(one)  # type: ignore[arg-type]
    assert set(parts) == {field.name for field in fields(one)}
    text = json.dumps(parts, default=_plain)
    assert set(json.loads(text)) == set(parts)


def test_what_is_different_is_not_equal() -> None:
    frame, result = frame_and_result(3)
    assert scores(top=1) != scores(top=2)
    assert replace(frame, index=4) != frame
    assert emolens.Frame(255 - frame.image, 3, *(frame.media_time_s, frame.captured_at_s)) != frame
    assert replace(DETECTION, landmarks=LANDMARKS + 1) != DETECTION
    assert replace(DETECTION, landmarks=None) != DETECTION
    assert replace(result, timings_ms={"detection": 2.0}) != result
    assert frame_and_result(3)[1] == result


def test_timings_stay_as_they_are() -> None:
    timings = {"detection": 1.5}
    result = emolens.FrameResult((4, 3), (), timings_ms=timings)
    timings["detection"] = 2.0
    for made in (result, pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert made.timings_ms == {"detection": 1.5}
        with pytest.raises(TypeError, match="read-only"):
            made.timings_ms["detection"] = 3.0  # type: ignore[index]  # that is what is tried


def test_a_frame_is_found_until_it_is_gone_and_not_from_kept_copies() -> None:
    frame, result = frame_and_result(3)
    result = replace(result, frame_reference=FrameReference(frame))
    assert copy.copy(result).frame is replace(result, warnings=("a note",)).frame is frame
    assert asdict(result)["frame_reference"] is None
    for made in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert made == result
        with pytest.raises(InputError, match="frame 3 is no longer in memory"):
            _ = made.frame
    del frame
    gc.collect()
    with pytest.raises(InputError, match="no longer in memory"):
        _ = result.frame


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, EmolensError)
    ],
)
def test_errors_come_back_from_other_processes(kind: type[EmolensError]) -> None:
    is_extra = kind is errors.MissingExtraError
    error = kind("this", "train", "torch") if is_extra else kind("what went wrong")
    for protocol in PROTOCOLS:
        back = pickle.loads(pickle.dumps(error, protocol))
        assert (type(back), str(back), back.code) == (kind, str(error), error.code)


def test_a_pool_of_processes_analyses_images(tmp_path: Path) -> None:
    small = tmp_path / "flat.png"
    cv2.imwrite(str(small), np.full((64, 64, 3), 128, np.uint8))
    paths = [str(sample_image()), str(small)]
    # Where this process has loaded a model, a child made by fork would inherit half of it.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        results = pool.map(emolens.analyze, paths)
        with pytest.raises(InputError, match="does not exist"):
            pool.map(emolens.analyze, [str(tmp_path / "none.png")])
        pool.close()
        pool.join()
    assert [len(result.faces) for result in results] == [1, 0]
    assert results[0].faces[0].label is emolens.Emotion.HAPPY
    assert results[0].to_rows() == emolens.analyze(paths[0]).to_rows()
