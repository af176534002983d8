"""Calibration of probabilities: temperature and class scales."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from emolens.core.emotion import N_EMOTIONS
from emolens.evaluation.predictions import Predictions

_LOG_TEMPERATURE_RANGE = (np.log(0.05), np.log(20.0))
# Prior standard deviation of the log scales. Thousands of faces outweigh the prior, a handful does
# not.
_PRIOR_DEVIATION = 0.5


def fit_temperature(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> float:
    """Fit the temperature that maximises the likelihood of the labels.

    Args:
        logits: (N, 7), raw outputs of the network on faces outside its training set.
        labels: int64 (N,).

    Returns:
        The positive divisor of the logits, above 1 for an overconfident network.

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
    """Undo the temperature of predictions.

    Args:
        predictions: Predictions whose rows are a softmax of logits over the temperature. The mean
            of several predictions is not.
        temperature: Temperature, above 0.
    """
    logs = np.log(np.maximum(predictions.probabilities, np.finfo(np.float32).tiny))
    return replace(predictions, probabilities=special.softmax(temperature * logs, axis=1))


def fit_class_scales(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Fit the class scales that maximise the posterior probability of the labels.

    Label smoothing and mixed faces lower the confidence of all classes. This fits fear and sadness,
    but not happiness, and a single temperature cannot correct it. A prior keeps the scales near 1
    for few faces. The common factor of all classes is left to `fit_temperature` on the scaled
    logits.

    There are no biases. They would mostly restore the class frequencies of the calibration faces.

    Args:
        logits: (N, 7), raw outputs of the network on faces outside its training set.
        labels: int64 (N,).

    Returns:
        float64 (7,), the positive factors of the logits.

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2, vector scaling,
        without biases.
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
