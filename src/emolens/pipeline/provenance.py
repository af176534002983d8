"""The one place where models, settings and software become a record of how a result was made.

    provenance(settings, classifier, detector, source=InputRecord(...))

Components state their models and settings themselves (`emolens.core.description`), so the record
describes the objects that ran, not the options that were typed. All fields of a dataclass of
settings are included, so a new one is never forgotten.
"""

import datetime as dt
import importlib.metadata
import os
import platform
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Final

from emolens.contract import (
    SCHEMA_VERSION,
    AccuracyRecord,
    DetectorRecord,
    ExpressionModelRecord,
    InputRecord,
    ModelRecord,
    Provenance,
)
from emolens.core.command_line import running_command
from emolens.core.description import (
    DETECTOR,
    LANDMARKS,
    MODEL,
    TRACKER,
    Described,
    ModelIdentity,
    Setting,
    settings_of,
)
from emolens.core.errors import ConfigError
from emolens.core.version import emolens_version
from emolens.imaging.quality import QUALITY_LIMITS
from emolens.runtime.measured import measured_accuracies

DATE_VARIABLE: Final = "SOURCE_DATE_EPOCH"
"""Environment variable with the time of all records, in seconds since 1970 (UTC).

Source: https://reproducible-builds.org/specs/source-date-epoch/
"""
_INPUT_PX: Final = "detector_px"
# Libraries that compute results, each with the packages that may contain it.
_LIBRARIES: Final = (
    ("numpy",),
    ("opencv-python", "opencv-python-headless", "opencv-contrib-python"),
    ("onnxruntime", "onnxruntime-gpu"),
    ("av",),
    ("trackers",),
)


def provenance(*parts: object, source: InputRecord | None = None) -> Provenance:
    """Build the record of how a result is made, at the current time.

    Args:
        parts: Everything that changes results, in any order: classifiers, detectors, trackers,
            smoothers, dataclasses of settings, and mappings of names to plain values. None is
            ignored.
        source: The input.

    Raises:
        ConfigError: `SOURCE_DATE_EPOCH` is not a number of seconds.
        TypeError: A part has a setting that is not a plain value.
    """
    settings: dict[str, Setting] = {}
    models: dict[str, ModelIdentity] = {}
    for part in parts:
        for name, value in _stated(part).items():
            if isinstance(value, ModelIdentity):
                models[name] = value
            elif value is not None or name not in settings:
                settings[name] = value
    if MODEL in models:
        settings |= QUALITY_LIMITS
    tracker = settings.pop(TRACKER, None)
    return Provenance(
        schema_version=SCHEMA_VERSION,
        emolens=emolens_version(),
        made_at=_now().isoformat(timespec="seconds"),
        command=running_command(),
        model=_expression_model(models.get(MODEL)),
        detector=_detector(models.get(DETECTOR), settings.pop(_INPUT_PX, None)),
        landmarks=_model(models.get(LANDMARKS)),
        tracker=None if tracker is None else str(tracker),
        settings=settings,
        input=source,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        libraries=_libraries(),
    )


def _stated(part: object) -> Mapping[str, Setting | ModelIdentity]:
    """Return the settings and models of a part."""
    if part is None or isinstance(part, Mapping):
        return part or {}
    if isinstance(part, Described):
        return part.description
    return settings_of(part) if is_dataclass(part) else _named(part)


def _named(part: object) -> Mapping[str, Setting | ModelIdentity]:
    """Return the name of a component of another program, which states no more."""
    name = str(getattr(part, "name", type(part).__name__))
    if hasattr(part, "classify"):
        return {MODEL: ModelIdentity(name)}
    if hasattr(part, "detect"):
        return {DETECTOR: ModelIdentity(name)}
    return {TRACKER if hasattr(part, "reset") else "smoother": name}


def _now() -> dt.datetime:
    text = os.environ.get(DATE_VARIABLE)
    if not text:
        return dt.datetime.now(dt.UTC)
    try:
        return dt.datetime.fromtimestamp(int(text), dt.UTC)
    except (ValueError, OverflowError, OSError):
        raise ConfigError(
            f"the environment variable {DATE_VARIABLE} is {text!r}; allowed: a whole number of "
            "seconds since 1970. Correct or unset it."
        ) from None


def _expression_model(model: ModelIdentity | None) -> ExpressionModelRecord | None:
    if model is None:
        return None
    measured = [
        AccuracyRecord(
            faces=one.faces,
            target=one.target,
            n=one.n,
            accuracy=one.accuracy,
            interval=one.interval,
            n_leak_free=one.n_leak_free,
            leak_free=one.leak_free,
        )
        for one in measured_accuracies(model.sha256)
    ]
    return ExpressionModelRecord(
        name=model.name, sha256=model.sha256, trained_on=model.trained_on, measured=measured
    )


def _detector(model: ModelIdentity | None, input_px: object) -> DetectorRecord | None:
    if model is None:
        return None
    return DetectorRecord(
        name=model.name,
        sha256=model.sha256,
        input_px=input_px if isinstance(input_px, int) else None,
    )


def _model(model: ModelIdentity | None) -> ModelRecord | None:
    return None if model is None else ModelRecord(name=model.name, sha256=model.sha256)


def _libraries() -> dict[str, str]:
    versions: dict[str, str] = {}
    for packages in _LIBRARIES:
        for package in packages:
            try:
                versions[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                continue
            break
    return versions
