"""Make probabilities mean what they say."""

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

_LOG_TEMPERATURE_RANGE = (np.log(0.05), np.log(20.0))


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
