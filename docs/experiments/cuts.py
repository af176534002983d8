"""Compare detectors of hard cuts on generated clips.

python docs/experiments/cuts.py --json docs/metrics/cuts.json

Counts the cuts that are found and the false ones, over several clips of each kind, and measures the
CPU time per frame. Backgrounds are drawn with the dead leaves model; the subjects are two portraits
in the public domain. PySceneDetect's detectors are compared if the package `scenedetect` is
installed (`pip install --no-deps scenedetect`), with its thresholds and no minimum length of a
shot.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emolens.testing import Actor, EditedSource, Shot, SyntheticSource, collins, drawn_place, hopper
from emolens.tracking import CutDetector

Pixels = npt.NDArray[np.uint8]
Draw = Callable[[float], Pixels]
Timed = Iterator[tuple[float, Pixels]]
WH = (640, 360)
RATE_HZ = 25.0
# A cut that is reported later counts as missed and as false.
MAX_DELAY_S = 0.25


@dataclass(frozen=True)
class Clip:
    """The frames of a clip with their times, and the times of its cuts."""

    frames: Callable[[], Timed]
    cuts_s: Sequence[float] = ()
    max_delay_s: float = MAX_DELAY_S


def clip(
    shots: Sequence[Shot],
    *,
    rate_hz: float = RATE_HZ,
    dissolve_s: float = 0.0,
    effect: Callable[[Pixels, float], Pixels] = lambda image, _at_s: image,
    dropped: float = 0.0,
    seed: int = 0,
) -> Clip:
    """Return a clip; an effect changes each frame, and a share of the frames is dropped."""
    source = EditedSource(shots, rate_hz=rate_hz, dissolve_s=dissolve_s)

    def frames() -> Timed:
        rng = np.random.default_rng(seed)
        for frame in source:
            if rng.random() >= dropped:
                yield frame.media_time_s, effect(np.array(frame.image), frame.media_time_s)

    return Clip(frames, [] if dissolve_s else source.changes_s)


def scene(
    seed: int, *, x: float = 0.5, sway: float = 8.0, ground: Pixels | int | None = None
) -> Draw:
    """Return a portrait that sways in front of a background, with its head at (x, 0.55)."""
    portrait = (collins, hopper)[seed % 2]
    ground = drawn_place(seed, size_wh=WH) if ground is None else ground
    actor = portrait(lambda t: (x * WH[0] + sway * math.sin(3 * t + seed), 0.55 * WH[1], 190))
    return SyntheticSource([actor], size_wh=WH, background=ground).draw


def blurred(seed: int) -> Draw:
    """Return a portrait in front of a background that is out of focus."""
    place = cv2.GaussianBlur(drawn_place(seed, size_wh=WH), (0, 0), 14)
    return scene(seed, ground=np.asarray(place, np.uint8))


def panned(seed: int, speed: Callable[[float], float]) -> Draw:
    """Return a camera over a wide scene; `speed` maps a time to the travelled widths."""
    width, height = WH
    wide = drawn_place(seed, size_wh=(3 * width, height + 80))
    actors = [
        (collins, hopper)[(seed + n) % 2](lambda _t, n=n: (300 + 420 * n, 240, 170))
        for n in range(4)
    ]
    image = SyntheticSource(actors, size_wh=(3 * width, height + 80), background=wide).draw(0)

    def draw(at_s: float) -> Pixels:
        x = (speed(at_s) * width) % (4 * width)
        x = x if x < 2 * width else 4 * width - x  # there and back
        return np.ascontiguousarray(subpixel(image, x, 40))

    return draw


def subpixel(image: Pixels, x: float, y: float) -> Pixels:
    """Cut a frame out of a larger image."""
    return np.asarray(
        cv2.warpAffine(image, np.array([[1, 0, -x], [0, 1, -y]], float), WH), np.uint8
    )


def shaken(seed: int) -> Draw:
    """Return a hand-held camera that shakes by 2 % of the width."""
    width, height = WH
    size = width + 80, height + 80
    image = SyntheticSource(
        [(collins, hopper)[seed % 2](lambda _t: (360, 230, 190))],
        size_wh=size,
        background=drawn_place(seed, size_wh=size),
    ).draw(0)
    rng = np.random.default_rng(seed)
    phases = rng.uniform(0, 6, 4)

    def draw(at_s: float) -> Pixels:
        x = 14 * math.sin(23 * at_s + phases[0]) + 8 * math.sin(51 * at_s + phases[1])
        y = 12 * math.sin(27 * at_s + phases[2]) + 6 * math.sin(43 * at_s + phases[3])
        return subpixel(image, 40 + x, 40 + y)

    return draw


def zoomed(seed: int, per_s: float) -> Draw:
    """Return a zoom by a factor per second."""
    image = scene(seed, sway=0)(0)

    def draw(at_s: float) -> Pixels:
        matrix = cv2.getRotationMatrix2D((WH[0] / 2, WH[1] / 2), 0, per_s**at_s)
        return np.asarray(cv2.warpAffine(image, matrix, WH), np.uint8)

    return draw


def passed_by(seed: int, crossing_s: float) -> Draw:
    """Return a portrait behind something close to the camera that covers half of the image."""
    cover = drawn_place(seed + 500, size_wh=(round(0.5 * WH[0]), WH[1]))

    def path(at_s: float) -> tuple[float, float, float] | None:
        share = (at_s - 1.0) / crossing_s
        x = (-0.25 + 1.5 * share) * WH[0]
        return (x, WH[1] / 2, cover.shape[1]) if 0 <= share <= 1 else None

    ground = SyntheticSource([Actor(cover, path)], size_wh=WH, background=scene(seed)(0))
    return ground.draw


def running(
    start: float, speed: float, y: float, width: float, at_s: float
) -> tuple[float, float, float]:
    """Return the place of a face that runs to the right again and again."""
    return (start + speed * at_s) % (WH[0] + 2 * width) - width, y, width


def crowd(seed: int) -> Draw:
    """Return eight faces that run through the image."""
    rng = np.random.default_rng(seed)
    actors = []
    for number in range(8):
        y, width = rng.uniform(90, 270), rng.uniform(90, 190)
        start, speed = rng.uniform(0, 800), rng.uniform(150, 500)
        portrait = (collins, hopper)[number % 2]
        actors.append(portrait(partial(running, start, speed, y, width)))
    return SyntheticSource(actors, size_wh=WH, background=drawn_place(seed, size_wh=WH)).draw


def swaying(_seed: int) -> Draw:
    """Return the clip "sway fast" of experiment 0009: a face in front of a plain wall."""
    actor = collins(lambda t: (320 + 200 * math.sin(6 * t), 180, 140))
    return SyntheticSource([actor], size_wh=WH).draw


def crossing(_seed: int) -> Draw:
    """Return the clip "cross fast" of experiment 0009."""
    actors = [
        collins(lambda t: (110 + 210 * t, 180, 150)),
        hopper(lambda t: (530 - 210 * t, 180, 150)),
    ]
    return SyntheticSource(actors, size_wh=WH).draw


def noisy(sigma: float, gain: float, seed: int = 0) -> Callable[[Pixels, float], Pixels]:
    """Return a dark, noisy camera."""
    rng = np.random.default_rng(seed)

    def effect(image: Pixels, _at_s: float) -> Pixels:
        dark = image.astype(np.float32) * gain + rng.normal(0, sigma, image.shape).astype(
            np.float32
        )
        return np.asarray(np.clip(dark, 0, 255), np.uint8)

    return effect


def lit(gains: Callable[[float], tuple[float, float]]) -> Callable[[Pixels, float], Pixels]:
    """Return light with a factor and an addition that depend on the time."""

    def effect(image: Pixels, at_s: float) -> Pixels:
        factor, added = gains(at_s)
        return np.asarray(cv2.convertScaleAbs(image, alpha=factor, beta=added), np.uint8)

    return effect


def flashes(length_s: float, factor: float, added: float) -> Callable[[float], tuple[float, float]]:
    """Return flashes once per second, from 0.5 s on."""
    return lambda t: (factor, added) if (t + 0.5) % 1 < length_s - 1e-6 else (1, 0)


def fading(at_s: float) -> tuple[float, float]:
    """Return a fade to black around 2 s, of half a second each way."""
    return min(1.0, max(0.0, (abs(at_s - 2) - 0.25) / 0.5)), 0


def pair(make: Callable[[int], Draw], seed: int, n: int = 4, duration_s: float = 1.0) -> list[Shot]:
    """Return shots with consecutive seeds."""
    return [Shot(make(100 * seed + number), duration_s) for number in range(n)]


def dissolves(seed: int, length_s: float, make: Callable[[int], Draw] = scene) -> Clip:
    """Return two shots with a dissolve, which should be reported before it ends."""
    shots = pair(make, seed, 2, 3.0)
    return Clip(clip(shots, dissolve_s=length_s).frames, [3.0], length_s)


def cut_kinds() -> dict[str, Callable[[int], Clip]]:
    """Return the kinds of clips with cuts; a seed makes a clip."""
    return {
        "other place, face at the same position": lambda s: clip(pair(scene, s)),
        "other place, face elsewhere": lambda s: clip(
            [Shot(scene(100 * s + n, x=(0.3, 0.6)[n % 2]), 1) for n in range(4)]
        ),
        "out of focus, same position": lambda s: clip(pair(blurred, s)),
        "same plain wall, same position": lambda s: clip(pair(partial(scene, ground=120), s)),
        "quick edits, 0.4 s": lambda s: clip(pair(scene, s, 8, 0.4)),
        "while the camera pans": lambda s: clip(
            pair(lambda seed: panned(seed, lambda t: 0.5 * t), s)
        ),
        "while the camera shakes": lambda s: clip(pair(shaken, s)),
        "between moving crowds": lambda s: clip(pair(crowd, s)),
        "low light, noise": lambda s: clip(pair(scene, s), effect=noisy(8, 0.15, s)),
        "10 frames per second": lambda s: clip(pair(scene, s), rate_hz=10),
        "60 frames per second": lambda s: clip(pair(scene, s), rate_hz=60),
        "half of the frames dropped": lambda s: clip(pair(scene, s), dropped=0.5, seed=s),
        "unrelated images": lambda s: clip(pair(scene, s, 25, 1 / RATE_HZ)),
        "through black": lambda s: Clip(
            clip(pair(scene, s, 2, 2.0), effect=lit(fading)).frames, [2.25]
        ),
        "dissolve of 0.5 s": lambda s: dissolves(s, 0.5),
        "dissolve of 1 s": lambda s: dissolves(s, 1.0),
        "dissolve of 1.5 s": lambda s: dissolves(s, 1.5),
        "dissolve of 2 s": lambda s: dissolves(s, 2.0),
        "dissolve of 1 s, crowds": lambda s: dissolves(s, 1.0, crowd),
    }


def smooth(top: float) -> Callable[[float], float]:
    """Return a pan that speeds up from rest to `top` widths per second, and slows down again."""
    return lambda t: top * (t - math.sin(math.pi * t) / math.pi) / 2


def still_kinds() -> dict[str, Callable[[int], Clip]]:
    """Return the kinds of clips without a cut."""

    def one(draw: Draw, **options: object) -> Clip:
        return clip([Shot(draw, 4.0)], **options)

    return {
        "one shot": lambda s: one(scene(s)),
        "noise": lambda s: one(scene(s), effect=noisy(25, 1, s)),
        "low light, noise": lambda s: one(scene(s), effect=noisy(8, 0.15, s)),
        "pan, 1 width per second": lambda s: one(panned(s, smooth(1))),
        "pan, 3 widths per second": lambda s: one(panned(s, smooth(3))),
        "pan, 1 width per second, 10 Hz": lambda s: one(panned(s, smooth(1)), rate_hz=10),
        "pan, half of the frames dropped": lambda s: one(panned(s, smooth(1)), dropped=0.5, seed=s),
        "shaking camera": lambda s: one(shaken(s)),
        "shaking camera, 10 Hz": lambda s: one(shaken(s), rate_hz=10),
        "zoom, twice as large in 1 s": lambda s: clip([Shot(zoomed(s, 2), 2.0)]),
        "passed by in 0.5 s": lambda s: one(passed_by(s, 0.5)),
        "passed by in 1 s": lambda s: one(passed_by(s, 1.0)),
        "passed by in 1 s, 10 Hz": lambda s: one(passed_by(s, 1.0), rate_hz=10),
        "crowd": lambda s: one(crowd(s)),
        "crowd, 10 Hz": lambda s: one(crowd(s), rate_hz=10),
        "face sways fast, plain wall": lambda s: one(swaying(s)),
        "faces cross fast, plain wall": lambda s: clip([Shot(crossing(s), 2.0)]),
        "flash of 1 frame": lambda s: one(scene(s), effect=lit(flashes(0.04, 2.2, 60))),
        "flash of 3 frames": lambda s: one(scene(s), effect=lit(flashes(0.12, 2.2, 60))),
        "flash of 3 frames, weak": lambda s: one(scene(s), effect=lit(flashes(0.12, 1.6, 0))),
        "flash of 1 frame, 10 Hz": lambda s: one(
            scene(s), rate_hz=10, effect=lit(flashes(0.1, 2.2, 60))
        ),
        "exposure steps": lambda s: one(
            scene(s), effect=lit(lambda t: ((1, 0.6, 1.5, 0.4)[int(t) % 4], 0))
        ),
        "fade to black and back": lambda s: one(scene(s), effect=lit(fading)),
    }


def ours(frames: Timed) -> list[float]:
    """Return the cuts of emolens."""
    detector = CutDetector()
    return [at_s for at_s, image in frames if detector.is_cut(image, at_s)]


def peers() -> dict[str, Callable[[Timed], list[float]]]:
    """Return PySceneDetect's detectors, if they are installed."""
    try:
        from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode
    except ImportError:
        return {}

    def run(make: Callable[..., object], frames: Timed) -> list[float]:
        detector = make(min_scene_len=1)
        found, times = [], []
        for index, (at_s, image) in enumerate(frames):
            times.append(at_s)
            found += detector.process_frame(FrameTimecode(index, RATE_HZ), image)
        found += detector.post_process(FrameTimecode(len(times), RATE_HZ))
        return [times[code.frame_num] for code in found]

    return {
        "ContentDetector": partial(run, ContentDetector),
        "AdaptiveDetector": partial(run, AdaptiveDetector),
    }


def compare(made: Clip, found_s: Sequence[float]) -> tuple[int, int]:
    """Return the number of cuts that were found, and of false ones."""
    missing = list(made.cuts_s)
    n_false = 0
    for at_s in found_s:
        match = next((cut for cut in missing if -1e-6 <= at_s - cut <= made.max_delay_s), None)
        if match is None:
            n_false += 1
        else:
            missing.remove(match)
    return len(made.cuts_s) - len(missing), n_false


def measure(kinds: dict[str, Callable[[int], Clip]], n_seeds: int) -> dict[str, dict[str, dict]]:
    """Print one row per kind of clip and return the counts."""
    detectors = {"emolens": ours, **peers()}
    results: dict[str, dict[str, dict]] = {}
    for kind, make in kinds.items():
        counts = {name: np.zeros(2, int) for name in detectors}
        n_cuts = 0
        for seed in range(n_seeds):
            made = make(seed)
            frames = list(made.frames())
            n_cuts += len(made.cuts_s)
            for name, detect in detectors.items():
                counts[name] += compare(made, detect(iter(frames)))
        results[kind] = {"n_cuts": n_cuts} | {
            name: {"found": int(found), "false": int(false)}
            for name, (found, false) in counts.items()
        }
        cells = [f"{found}, {false}" if n_cuts else str(false) for found, false in counts.values()]
        print(f"| {kind} | {n_cuts or ''} | " + " | ".join(cells) + " |", flush=True)
    return results


def cost_ms(size_wh: tuple[int, int], n_frames: int = 150) -> dict[str, float]:
    """Return the CPU time per frame: of a still camera, and of frames that are all unlike."""
    images = [cv2.resize(drawn_place(seed, size_wh=WH), size_wh) for seed in range(4)]
    cv2.setNumThreads(1)
    costs = {}
    for name, step in (("still", 0), ("cuts", 1)):
        detector = CutDetector()
        began_s = time.process_time()
        for index in range(n_frames):
            detector.is_cut(images[index * step % 4], index / RATE_HZ)
        costs[name] = round(1e3 * (time.process_time() - began_s) / n_frames, 3)
    return costs


def main() -> None:
    """Print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    names = ("emolens", *peers())
    print("| with cuts: found, false | cuts | " + " | ".join(names) + " |")
    print("|---|---|" + "---|" * len(names))
    record = {"n_clips": options.seeds, "with_cuts": measure(cut_kinds(), options.seeds)}
    print("\n| without cuts: false | | " + " | ".join(names) + " |")
    print("|---|---|" + "---|" * len(names))
    record["without_cuts"] = measure(still_kinds(), options.seeds)
    record["cost_ms"] = {f"{w}x{h}": cost_ms((w, h)) for w, h in ((640, 360), (1920, 1080))}
    print(f"\nCPU time per frame in ms: {record['cost_ms']}")
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
