import numpy as np
import numpy.typing as npt
import pytest

from emolens.evaluation.calibration import fit_class_scales, fit_temperature


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 3.0])
def test_the_temperature_behind_the_labels_is_found(true_temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 7))
    labels = draw_labels(logits / true_temperature, rng)
    assert fit_temperature(logits, labels) == pytest.approx(true_temperature, rel=0.05)


def draw_labels(logits: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Gumbel's trick: labels from softmax(logits)."""
    return np.asarray((logits + rng.gumbel(size=logits.shape)).argmax(axis=1))


def test_the_scales_behind_the_labels_are_found() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (20_000, 7))
    scales = np.array([0.5, 2.0, 1.0, 1.5, 1.0, 1.2, 0.8])
    found = fit_class_scales(logits, draw_labels(logits * scales, rng))
    # What they have in common is left to the temperature.
    np.testing.assert_allclose(found / found.mean(), scales / scales.mean(), rtol=0.1)


def test_a_handful_of_faces_hardly_scales_anything() -> None:
    logits = np.random.default_rng(0).normal(0, 1, (7, 7))
    assert np.all(np.abs(np.log(fit_class_scales(logits, np.arange(7)))) < 0.5)


def test_classes_that_are_not_told_apart_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (500, 7))
    logits[:, 2:] -= 1000
    found = fit_class_scales(logits, draw_labels(2 * logits, rng))
    np.testing.assert_allclose(found[2:], 1)


def test_the_order_of_faces_does_not_matter(
    rng: np.random.Generator,
) -> None:
    logits = rng.normal(0, 1, (300, 7))
    labels = draw_labels(logits, rng)
    order = rng.permutation(300)
    np.testing.assert_allclose(
        fit_class_scales(logits, labels),
        fit_class_scales(logits[order], labels[order]),
        rtol=1e-3,
    )
