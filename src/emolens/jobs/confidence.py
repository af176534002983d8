"""The choice of a minimum confidence, directly or by the accuracy of the labels."""

from collections.abc import Callable

from emolens.core.errors import ConfigError
from emolens.core.progress import say_nothing
from emolens.pipeline.models import Models


def chosen_confidence(
    models: Models,
    min_confidence: float | None,
    at_least: float | None,
    *,
    on_message: Callable[[str], None] = say_nothing,
) -> float:
    """Return the minimum confidence of a label, 0..1.

    Args:
        models: The models of the analysis.
        min_confidence: The minimum confidence, or None.
        at_least: The accuracy that the labels reach, 0..1, or None.
        on_message: Called with what the threshold of an accuracy was measured to do.

    Raises:
        ConfigError: Both are given, or as for `Models.threshold`.
        ModelError: The model cannot be loaded.
    """
    if at_least is None:
        return min_confidence or 0.0
    if min_confidence is not None:
        raise ConfigError("--at-least chooses the --min-confidence. Omit one of them.")
    threshold = models.threshold(at_least)
    on_message(str(threshold))
    return threshold.min_confidence
