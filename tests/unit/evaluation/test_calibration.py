import numpy as np
import numpy.typing as npt
import pytest
from scipy import special

from emolens.evaluation.calibration import fit_temperature, fit_vector_scaling


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 3.0])
def test_the_temperature_behind_the_labels_is_found(true_temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 7))
    labels = draw_labels(logits / true_temperature, rng)
    assert fit_temperature(logits, labels) == pytest.approx(true_temperature, rel=0.05)


def draw_labels(logits: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Gumbel's trick: labels from softmax(logits)."""
    return np.asarray((logits + rng.gumbel(size=logits.shape)).argmax(axis=1))


def test_the_scales_and_biases_behind_the_labels_are_found() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (20_000, 7))
    scales = np.array([0.5, 2.0, 1.0, 1.5, 1.0, 1.2, 0.8])
    biases = np.array([0.3, -0.3, 0.0, 0.2, -0.2, 0.0, 0.0])
    labels = draw_labels(logits * scales + biases, rng)
    found = fit_vector_scaling(logits, labels)
    scaled = found(logits)
    assert scaled.dtype == np.float32
    # A bias that all classes share and a common scale are left to the temperature.
    shares = special.softmax(scaled / fit_temperature(scaled, labels), axis=1)
    truth = special.softmax(logits * scales + biases, axis=1)
    assert np.abs(shares - truth).mean() < 0.01
    assert np.abs(special.softmax(logits, axis=1) - truth).mean() > 0.05


def test_a_handful_of_faces_hardly_scales_anything() -> None:
    logits = np.random.default_rng(0).normal(0, 1, (7, 7))
    found = fit_vector_scaling(logits, np.arange(7))
    assert np.all(np.abs(np.log(found.scales)) < 0.5)
    assert np.all(np.abs(found.biases) < 1)


def test_classes_that_are_not_told_apart_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (500, 7))
    logits[:, 2:] -= 1000
    found = fit_vector_scaling(logits, draw_labels(2 * logits, rng))
    np.testing.assert_allclose(found.scales[2:], 1)
    np.testing.assert_allclose(found.biases[2:], 0, atol=1e-9)
    assert np.all(found(logits)[:, 2:] < -900)


def test_the_order_of_faces_does_not_matter(
    rng: np.random.Generator,
) -> None:
    logits = rng.normal(0, 1, (300, 7))
    labels = draw_labels(logits, rng)
    order = rng.permutation(300)
    once, again = (
        fit_vector_scaling(logits, labels),
        fit_vector_scaling(logits[order], labels[order]),
    )
    np.testing.assert_allclose(once.scales, again.scales, rtol=1e-3)
