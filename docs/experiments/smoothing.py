"""Measure flips and delays of smoothed labels, and the effect of the frame rate.

python docs/experiments/smoothing.py [--json FILE]

The signals are synthetic: constant or changing logits with noise.
"""

import argparse
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import N_EMOTIONS, Emotion, EmotionScores
from emolens.smoothing import ExponentialSmoother, LabelHysteresis
from emolens.smoothing.exponential import DEFAULT_TAU_S
from emolens.smoothing.hysteresis import DEFAULT_MARGIN, DEFAULT_PATIENCE_S

Logits = npt.NDArray[np.float64]
Signal = Callable[[float], Logits]

_TRACK = 1
_NOISE = 0.8  # standard deviation of the noise on each logit
_SEEDS = range(20)
_LENGTH_S = 60.0
_RATES_HZ = (15, 30, 60)
_CHANGE_AT_S = 3.0
_TAUS_S = (0.1, 0.15, 0.25, 0.3)
_MARGINS = (0.05, 0.15, 0.2)
_PATIENCES_S = (0.25, 1.0)


def _logits(**probabilities: float) -> Logits:
    """Return logits of given probabilities; the other classes share the rest."""
    rest = (1 - sum(probabilities.values())) / (N_EMOTIONS - len(probabilities))
    values = np.full(N_EMOTIONS, rest)
    for name, probability in probabilities.items():
        values[Emotion.from_label(name).index] = probability
    return np.log(values)


STEADY: dict[str, Logits] = {
    "two close classes": _logits(sad=0.36, neutral=0.34),
    "two classes apart": _logits(sad=0.46, neutral=0.30),
    "one class": _logits(happy=0.55),
}
CHANGES: dict[str, tuple[Logits, Logits]] = {
    "clear": (_logits(neutral=0.80), _logits(happy=0.80)),
    "moderate": (_logits(neutral=0.60, happy=0.10), _logits(neutral=0.15, happy=0.55)),
    "slight": (_logits(neutral=0.45, sad=0.30), _logits(neutral=0.30, sad=0.45)),
}


def _scores(logits: Logits) -> EmotionScores:
    powers = np.exp(logits - logits.max())
    return EmotionScores(np.asarray(powers / powers.sum(), np.float32))


class _Chain:
    """Smoothing and hysteresis as in a stream."""

    def __init__(self, tau_s: float, margin: float, patience_s: float) -> None:
        self._smoother = ExponentialSmoother(tau_s)
        self._hysteresis = LabelHysteresis(margin=margin, patience_s=patience_s)

    def label(self, scores: EmotionScores, at_s: float) -> Emotion:
        return self._hysteresis.update(_TRACK, self._smoother.update(_TRACK, scores, at_s), at_s)


def count_flips(logits: Logits, chain: _Chain, seed: int, rate_hz: float) -> tuple[int, int]:
    """Count the changes of the top class of noisy scores and of the displayed label."""
    rng = np.random.default_rng(seed)
    raw, shown = [], []
    for index in range(round(_LENGTH_S * rate_hz)):
        scores = _scores(logits + rng.normal(0, _NOISE, N_EMOTIONS))
        raw.append(scores.top)
        shown.append(chain.label(scores, index / rate_hz))
    return _n_changes(raw), _n_changes(shown)


def measure_delay(before: Logits, after: Logits, chain: _Chain, seed: int, rate_hz: float) -> float:
    """Measure the seconds from a sudden change between two frames to its label."""
    rng = np.random.default_rng(seed)
    changed_s = _CHANGE_AT_S + rng.uniform(0, 1 / rate_hz)
    wanted = Emotion.from_index(int(after.argmax()))
    for index in range(round((_CHANGE_AT_S + 10) * rate_hz)):
        at_s = index / rate_hz
        logits = after if at_s >= changed_s else before
        label = chain.label(_scores(logits + rng.normal(0, _NOISE, N_EMOTIONS)), at_s)
        if at_s >= changed_s and label == wanted:
            return at_s - changed_s
    return float("inf")


def _swinging(at_s: float) -> Logits:
    """Oscillate between neutral and happy with a period of two seconds."""
    share = 0.5 + 0.5 * np.sin(np.pi * at_s)
    return np.asarray((1 - share) * _logits(neutral=0.8) + share * _logits(happy=0.8))


def _smile(at_s: float, *, onset_s: float) -> Logits:
    """Neutral, a smile with an onset of `onset_s`, and neutral again."""
    share = float(np.interp(at_s, [1, 1 + onset_s, 2.5, 2.5 + onset_s], [0, 1, 1, 0]))
    return np.asarray((1 - share) * _logits(neutral=0.8) + share * _logits(happy=0.8))


SIGNALS: dict[str, Signal] = {
    "swinging": _swinging,
    "smile in 0.5 s": lambda at_s: _smile(at_s, onset_s=0.5),
    "smile in 0.3 s": lambda at_s: _smile(at_s, onset_s=0.3),
    "sudden smile": lambda at_s: _smile(at_s, onset_s=1e-9),
}


def smoothed_values(signal: Signal, rate_hz: int, tau_s: float) -> npt.NDArray[np.float32]:
    """Return smoothed probabilities (n, 7) of a signal at the times of the lowest rate."""
    smoother = ExponentialSmoother(tau_s)
    step = rate_hz // min(_RATES_HZ)
    values = [
        smoother.update(_TRACK, _scores(signal(index / rate_hz)), index / rate_hz).probabilities
        for index in range(4 * rate_hz)
    ]
    return np.stack(values[::step])


def rate_difference(signal: Signal, tau_s: float) -> float:
    """Return the maximum difference between frame rates in any smoothed probability."""
    values = [smoothed_values(signal, rate_hz, tau_s) for rate_hz in _RATES_HZ]
    return max(float(abs(a - b).max()) for a, b in itertools.combinations(values, 2))


def _n_changes(labels: list[Emotion]) -> int:
    return sum(before != after for before, after in itertools.pairwise(labels))


def measure(tau_s: float, margin: float, patience_s: float) -> dict[str, object]:
    """Measure one setting with 30 and 10 scores per second."""

    def chain() -> _Chain:
        return _Chain(tau_s, margin, patience_s)

    flips: dict[str, dict[str, float]] = {}
    for name, logits in STEADY.items():
        for rate_hz in (30, 10):
            counted = [count_flips(logits, chain(), seed, rate_hz) for seed in _SEEDS]
            raw, shown = map(sum, zip(*counted, strict=True))
            minutes = len(_SEEDS) * _LENGTH_S / 60
            flips[f"{name}, {rate_hz} Hz"] = {
                "raw_per_min": raw / minutes,
                "shown_per_min": shown / minutes,
                "cut": 1 - shown / raw,
                "least_cut": min(1 - s / r for r, s in counted),
            }
    delays: dict[str, dict[str, float]] = {}
    for name, (before, after) in CHANGES.items():
        for rate_hz in (30, 10):
            found = [measure_delay(before, after, chain(), s, rate_hz) for s in range(200)]
            p50, p95 = np.quantile(found, (0.5, 0.95))
            delays[f"{name}, {rate_hz} Hz"] = {
                "p50_s": float(p50),
                "p95_s": float(p95),
                "max_s": max(found),
            }
    return {
        "tau_s": tau_s,
        "margin": margin,
        "patience_s": patience_s,
        "flips": flips,
        "delays": delays,
        "rate_difference": {name: rate_difference(s, tau_s) for name, s in SIGNALS.items()},
    }


def _settings() -> list[tuple[float, float, float]]:
    """Return the defaults, then one changed parameter at a time."""
    tau_s, margin, patience_s = DEFAULT_TAU_S, DEFAULT_MARGIN, DEFAULT_PATIENCE_S
    return [
        (tau_s, margin, patience_s),
        *((other, margin, patience_s) for other in _TAUS_S),
        *((tau_s, other, patience_s) for other in _MARGINS),
        *((tau_s, margin, other) for other in _PATIENCES_S),
    ]


def main() -> None:
    """Print the results of every setting, and optionally write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    target = parser.parse_args().json
    measured = []
    for setting in _settings():
        measured.append(measure(*setting))
        print(json.dumps(measured[-1], indent=1), flush=True)
    if target:
        results = {"noise": _NOISE, "n_seeds": len(_SEEDS), "settings": measured}
        target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
