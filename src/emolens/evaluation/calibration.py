"""Make probabilities mean what they say."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from emolens.core.emotion import N_EMOTIONS

_LOG_TEMPERATURE_RANGE = (np.log(0.05), np.log(20.0))
# Standard deviation that log scales and biases are expected to have. A benchmark's thousands of
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


@dataclass(frozen=True, slots=True, eq=False)
class VectorScaling:
    """One scale and one bias for every class.

    Attributes:
        scales: float64 (7,), positive.
        biases: float64 (7,), in the unit of the logits.
    """

    scales: npt.NDArray[np.float64]
    biases: npt.NDArray[np.float64]

    def __call__(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Scaled logits float32 (N, 7)."""
        return np.asarray(logits * self.scales + self.biases, np.float32)


def fit_vector_scaling(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> VectorScaling:
    """Find the scales and biases that give the labels the highest posterior probability.

    Smoothed labels and mixed faces keep a network from being sure, which is right for fear and
    sadness and wrong for happiness; one temperature for all classes cannot tell these apart. A
    prior holds scales at 1 and biases at 0 where there are few faces. What all classes have in
    common is left to `fit_temperature`, to be fitted on the scaled logits.

    Args:
        logits: (N, 7), the network's raw outputs on faces it was not trained on.
        labels: int64 (N,).

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2, vector scaling.
    """
    temperature = fit_temperature(logits, labels)
    tempered = logits.astype(np.float64) / temperature
    targets = np.eye(N_EMOTIONS)[labels]

    def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        log_scales, biases = np.split(parameters, 2)
        scaled = tempered * np.exp(log_scales) + biases
        log_shares = special.log_softmax(scaled, axis=1)
        errors = np.exp(log_shares) - targets
        slope = np.concatenate(
            [(errors * tempered).sum(axis=0) * np.exp(log_scales), errors.sum(0)]
        )
        prior = parameters / _PRIOR_DEVIATION
        posterior = -(targets * log_shares).sum() + 0.5 * (prior**2).sum()
        return float(posterior), slope + prior / _PRIOR_DEVIATION

    found = optimize.minimize(loss, np.zeros(2 * N_EMOTIONS), jac=True, method="L-BFGS-B")
    log_scales, biases = np.split(found.x, 2)
    return VectorScaling(np.exp(log_scales), biases * temperature)
