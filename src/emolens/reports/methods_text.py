"""A methods paragraph and a footer from the record of how an output was made.

The texts state only what the record contains.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from emolens.contract import AccuracyRecord, DetectorRecord, InputRecord, ModelRecord, Provenance
from emolens.core.description import Setting
from emolens.core.emotion import LABELS
from emolens.reports.citation import (
    AUTHOR,
    DETECTORS,
    FER2013,
    FERPLUS,
    TRACKERS,
    Reference,
    apa_text,
)
from emolens.reports.text import one_line

_DIGITS: Final = 12
# Settings that the sentences mention; others are listed by name.
_TOLD: Final = frozenset(
    {
        *("blur", "heatmap", "style", "tags", "face_crops", "sideways", "compare", "models"),
        *("detect_hz", "classify_hz", "detect_share", "classify_share", "min_confidence"),
        *("detector_min_score", "detector_pass_px", "tracker_buffer_s", "max_gap_s", "cuts"),
        *("smoothing_tau_s", "hysteresis_margin", "hysteresis_patience_s"),
        *("crop_px", "crop_color", "crop_min_size_px"),
        *("split", "target", "tta", "training", "has_leaks", "detect", "group"),
    }
)
_TARGETS: Final = {
    "label": "the labels of the data set",
    "majority": "the majority vote of ten raters (FER+)",
}
_KINDS: Final = {"images": "the image", "camera": "the", "network camera": "a network camera:"}
_BY_AUTHORS: Final = (
    "the subjects, their consent and the ethics approval",
    "how the images or videos were made: camera, light, distance, task",
    "how many faces were analysed, and the share without a label",
    "how labels or probabilities became the variables of your statistics",
    "how well the labels agree with human raters on your own material: accuracy on FER2013 does "
    "not carry over to other faces, ages and situations, and differences between groups of people "
    "are unknown",
)


def made_sentence(made: Provenance) -> str:
    """Return the sentence for footers: version, date, models and input."""
    parts = [
        made.model and f"model {made.model.name}",
        made.detector and f"detector {made.detector.name}",
        made.tracker and f"tracker {made.tracker}",
        made.input and made.input.name and f"input {one_line(made.input.name)}",
    ]
    used = ", ".join(part for part in parts if part)
    return f"Made with emolens {made.emolens} on {_date(made)}{f': {used}' if used else ''}."


def methods_text(made: Provenance) -> str:
    """Return the methods paragraph."""
    is_data_set = made.input is not None and made.input.kind == "data set"
    sentences = _of_data_set(made) if is_data_set else _of_analysis(made)
    return " ".join([*sentences, *_others(made), _software(made)])


def by_authors(made: Provenance) -> list[str]:
    """Return what a methods section needs beyond the record."""
    models = {"model": made.model, "detector": made.detector, "landmark network": made.landmarks}
    digests = [
        f"{kind} {model.name}: SHA-256 {model.sha256 or 'unknown'}"
        for kind, model in models.items()
        if model
    ]
    own = [*_BY_AUTHORS] if made.model else []
    if made.model and not made.model.measured:
        own.append("the measured accuracy of the model, which the record does not contain")
    if made.settings.get("detect_share") is not None:
        own.append("that results of live input depend on the speed of the device")
    return [*own, *(f"in the supplement: {digest}" for digest in digests)]


def references(made: Provenance) -> list[str]:
    """Return the references of the paragraph, in order of the alphabet."""
    found = [reference.full for reference in _cited(made)]
    return sorted([apa_text(made.emolens), *found])


def _cited(made: Provenance) -> Iterator[Reference]:
    trained_on = (made.model and made.model.trained_on) or ""
    is_framed = made.settings.get("crop_px") is not None
    yield from [FER2013] if "FER2013" in trained_on or is_framed else []
    yield from [FERPLUS] if "FER+" in trained_on else []
    if made.detector and made.detector.name in DETECTORS:
        yield DETECTORS[made.detector.name][1]
    if made.tracker in TRACKERS:
        yield TRACKERS[str(made.tracker)][1]


def _of_analysis(made: Provenance) -> Iterator[str]:
    if made.input:
        yield _input(made.input)
    if made.model:
        yield (
            "Apparent facial expressions, which are how faces appear to observers and not what "
            f"people feel, were classified with emolens {made.emolens} ({AUTHOR}, n.d.; "
            f"{_model('model', made.model)})."
        )
        yield f"The model assigns a probability to each of {_listed(LABELS)}."
        yield from _accuracy(made)
    yield from _detection(made)
    yield from _stream(made)
    if made.model:
        yield _labels(made)
    if made.settings.get("crop_px"):
        yield from _crops(made)


def _of_data_set(made: Provenance) -> Iterator[str]:
    settings, data = made.settings, one_line((made.input and made.input.name) or "unknown")
    tool = f"emolens {made.emolens} ({AUTHOR}, n.d.)"
    models = _model("the model", made.model) if made.model else settings.get("models")
    if not models:
        command = f" (emolens {made.command})" if made.command else ""
        yield f"The data set {data} was processed with {tool}{command}."
        return
    target = _TARGETS.get(str(settings.get("target")), f"the targets {settings.get('target')}")
    split = settings.get("split")
    yield (
        f"{models} was evaluated with {tool} on {data} "
        f"({f'split {split}' if split else 'held-out split'}), against {target}, with "
        f"{'ten views' if settings.get('tta') else 'one view'} per face."
    )
    if made.detector:
        yield from _detection(made)
        yield "The largest face of each image was evaluated."
    if group := settings.get("group"):
        yield f"Metrics were also computed for the groups of the column {group}."
    if settings.get("has_leaks"):
        yield "Faces that also occur in the training rows were detected and reported separately."
    if compare := settings.get("compare"):
        yield f"On the same faces it was compared with the model {compare}."


def _input(source: InputRecord) -> str:
    facts = [
        f"{source.n_files:,} files" if source.n_files and source.n_files > 1 else "",
        f"{source.width} x {source.height} px" if source.width else "",
        f"{source.rate_hz:.4g} frames per second" if source.rate_hz else "",
        f"{source.duration_s:.1f} s" if source.duration_s else "",
        f"from {source.start_s:g} s" if source.start_s else "",
        f"up to {source.end_s:g} s" if source.end_s else "",
        f"one frame in {source.every}" if source.every and source.every > 1 else "",
    ]
    shown = ", ".join(fact for fact in facts if fact)
    name = f" {one_line(source.name)}" if source.name else ""
    kind = _KINDS.get(source.kind, f"the {source.kind}") if name else source.kind
    verb = "consisted of" if kind == "images" else "was"
    return f"The input {verb} {kind}{name}{f' ({shown})' if shown else ''}."


def _accuracy(made: Provenance) -> Iterator[str]:
    if made.model is None:
        return
    if made.model.trained_on:
        cited = "; ".join(one.short for one in _cited(made) if one in {FER2013, FERPLUS})
        yield f"It was trained on {made.model.trained_on}{f' ({cited})' if cited else ''}."
    yield from map(_measured, made.model.measured)
    if made.model.measured:
        yield "These crops were also used to select and calibrate the model."


def _measured(one: AccuracyRecord) -> str:
    target = "the labels of FER2013" if one.target == "label" else _TARGETS.get(one.target)
    low, high = (_percent(end) for end in one.interval or (one.accuracy, one.accuracy))
    leak_free = ""
    if one.leak_free is not None and one.n_leak_free is not None:
        leak_free = (
            f", and for {_percent(one.leak_free)} % of the {one.n_leak_free:,} faces without "
            "near-duplicates among the training faces"
        )
    return (
        f"On the face crops of {one.faces}, its most probable class equals "
        f"{target or one.target} for {_percent(one.accuracy)} % of {one.n:,} faces (95 % interval "
        f"{low} to {high} %){leak_free}."
    )


def _detection(made: Provenance) -> Iterator[str]:
    settings = made.settings
    if made.detector is None:
        if settings.get("face_crops"):
            yield "Each image was one cropped face, and no detector was used."
        return
    yield f"Faces were detected with {_detector(made.detector, settings)}"
    if made.landmarks:
        yield (
            "Detections were verified and aligned by the landmark network of emolens "
            f"({_digest(made.landmarks)})."
        )
    if settings.get("sideways"):
        yield (
            "Images without a detection were rotated by 90, 180 and 270 degrees and processed "
            "again."
        )


def _detector(detector: DetectorRecord, settings: Mapping[str, Setting]) -> str:
    algorithm, reference = DETECTORS.get(detector.name, (detector.name, None))
    side_px = detector.input_px or settings.get("detector_pass_px")
    facts = [
        reference.short if reference else "",
        f"weights {_digest(detector)}",
        f"input of {side_px} px on the longer side" if side_px else "",
        "" if detector.input_px else "with tiles for large images",
    ]
    if (min_score := settings.get("detector_min_score")) is not None:
        facts.append(f"minimum score {min_score}")
    return f"{algorithm} ({'; '.join(fact for fact in facts if fact)})."


def _stream(made: Provenance) -> Iterator[str]:
    settings = made.settings
    if made.tracker is None:
        return
    detect, classify = settings.get("detect_hz"), settings.get("classify_hz")
    name, reference = TRACKERS.get(made.tracker, (made.tracker, None))
    yield (
        f"Faces were detected {_rate(detect, 'at most ', ' and followed in between')}, classified "
        f"{_rate(classify, 'at most ', '')} and tracked with "
        f"{name}{f' ({reference.short})' if reference else ''}."
    )
    if (buffer_s := settings.get("tracker_buffer_s")) is not None:
        ends = [f"after {buffer_s:g} s without a detection"]
        if (gap_s := settings.get("max_gap_s")) is not None:
            ends.append(f"at a pause of more than {gap_s:g} s")
        if settings.get("cuts"):
            ends.append("at a detected cut")
        yield f"A track ended {_listed(ends)}."
    if (share := settings.get("detect_share")) is not None:
        yield (
            f"Frames were processed in real time, with at most {_percent(float(share))} % of the "
            "time for detection; frames that arrived too fast were dropped."
        )
    if (tau_s := settings.get("smoothing_tau_s")) is not None:
        yield (
            "The probabilities of each track were smoothed by an exponential moving average with "
            f"a time constant of {tau_s:g} s."
        )
    if (margin := settings.get("hysteresis_margin")) is not None:
        yield (
            f"The label of a track changed when another class led by {margin:g} in smoothed "
            f"probability, or led for {settings.get('hysteresis_patience_s'):g} s."
        )


def _crops(made: Provenance) -> Iterator[str]:
    settings = made.settings
    side_px = settings["crop_px"]
    color = "in colour" if settings.get("crop_color") else "in grey"
    yield (
        f"Every detected face was cropped with emolens {made.emolens} ({AUTHOR}, n.d.) to a square "
        f"in the framing of FER2013 ({FER2013.short}), with rolled faces turned upright, "
        f"and scaled to {side_px} x {side_px} px {color}."
    )
    if least := settings.get("crop_min_size_px"):
        yield f"Faces whose square was smaller than {least:g} px were left out."


def _rate(hz: object, before: str, after: str) -> str:
    if not isinstance(hz, int | float):
        return "in every frame"
    return f"{before}{hz:g} times per second{after}"


def _labels(made: Provenance) -> str:
    settings = made.settings
    small = settings.get("quality_min_face_px")
    least = settings.get("min_confidence")
    too_small = f"smaller than {small:g} px" if small is not None else "too small"
    unsure = f", or whose probability was below {least:g}," if least else ""
    label = "" if made.tracker else "The label of a face is its most probable class. "
    return (
        f"{label}Faces that were {too_small}, blurred, too dark, low in contrast, cut off, turned "
        f"away or strongly tilted{unsure} got no label and count as uncertain."
    )


def _others(made: Provenance) -> list[str]:
    """Name the settings without a sentence, so that a new setting is never left out."""
    others = [
        f"{name} = {value}"
        for name, value in made.settings.items()
        if name not in _TOLD and not name.startswith("quality_") and value is not None
    ]
    return [f"Further settings: {', '.join(others)}."] if others else []


def _software(made: Provenance) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in made.libraries.items())
    return f"emolens ran on Python {made.python} ({versions}; {made.platform}) on {_date(made)}."


def _model(kind: str, model: ModelRecord) -> str:
    return f"{kind} {one_line(model.name)}, {_digest(model)}"


def _digest(model: ModelRecord) -> str:
    return f"SHA-256 {model.sha256[:_DIGITS]}..." if model.sha256 else "without a digest"


def _date(made: Provenance) -> str:
    try:
        at = dt.datetime.fromisoformat(made.made_at)
    except ValueError:
        return one_line(made.made_at)
    return f"{at.day} {at:%B %Y}, {at:%H:%M} UTC"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
