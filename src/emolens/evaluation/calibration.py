"""Make probabilities mean what they say."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from emolens.core.emotion import N_EMOTIONS
from emolens.evaluation.predictions import Predictions

_LOG_TEMPERATURE_RANGE = (np.log(0.05), np.log(20.0))
# Standard deviation that the scales' logarithms are expected to have. A benchmark's thousands of
# faces decide against it, a handful of somebody's own faces does not.
_PRIOR_DEVIATION = 0.5


def fit_temperature(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> float:
    """Find the temperature that gives the labels the highest likelihood.

    Args:
        logits: (N, 7), the network's raw outputs on faces it was not trained on.
        labels: int64 (N,).

    Returns:
        The positive number to divide logits by; above 1 for an over-confident network.

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.
    """
    wide = logits.astype(np.float64)
    rows = np.arange(len(labels))

    def nll(log_temperature: float) -> float:
        scaled = wide / np.exp(log_temperature)
        return float(-special.log_softmax(scaled, axis=1)[rows, labels].mean())

    found = optimize.minimize_scalar(nll, bounds=_LOG_TEMPERATURE_RANGE, method="bounded")
    return float(np.exp(found.x))


def untempered(predictions: Predictions, temperature: float) -> Predictions:
    """What a classifier said before its logits were divided by a temperature.

    Args:
        predictions: What it says, each row a softmax of logits over the temperature. A mean of
            several answers is no such row.
        temperature: Above 0.
    """
    logs = np.log(np.maximum(predictions.probabilities, np.finfo(np.float32).tiny))
    return replace(predictions, probabilities=special.softmax(temperature * logs, axis=1))


def fit_class_scales(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Find the scales, one a class, that give the labels the highest posterior probability.

    Smoothed labels and mixed faces keep a network from being sure, which is right for fear and
    sadness and wrong for happiness; one temperature for all classes cannot tell these apart. A
    prior holds the scales at 1 where there are few faces. What all classes have in common is left
    to `fit_temperature`, to be fitted on the scaled logits.

    There are no biases, which would mostly restore the class frequencies of these very faces.

    Args:
        logits: (N, 7), the network's raw outputs on faces it was not trained on.
        labels: int64 (N,).

    Returns:
        float64 (7,), the positive numbers to multiply logits by.

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2, vector scaling;
        here without its biases.
    """
    tempered = logits.astype(np.float64) / fit_temperature(logits, labels)
    targets = np.eye(N_EMOTIONS)[labels]

    def loss(log_scales: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        scaled = tempered * np.exp(log_scales)
        log_shares = special.log_softmax(scaled, axis=1)
        slope = ((np.exp(log_shares) - targets) * scaled).sum(axis=0)
        prior = log_scales / _PRIOR_DEVIATION
        posterior = -(targets * log_shares).sum() + 0.5 * (prior**2).sum()
        return float(posterior), slope + prior / _PRIOR_DEVIATION

    found = optimize.minimize(loss, np.zeros(N_EMOTIONS), jac=True, method="L-BFGS-B")
    return np.asarray(np.exp(found.x))
