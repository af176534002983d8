"""A recipe that trains in seconds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from emolens.training.recipe import Recipe

SMALL_NETWORK = {"blocks": [1, 1, 1, 1], "channels": [8, 8, 16, 16], "stem_channels": 4}
SMALL_PHASE = {"epochs": 3, "warmup_epochs": 1, "peak_rate": 1e-2, "plain_epochs": 1}


def small_recipe(
    source: Path,
    *,
    epochs: int = 3,
    batch_size: int = 32,
    phases: Sequence[Mapping[str, object]] = ({},),
    network: Mapping[str, object] | None = None,
    **sections: object,
) -> Recipe:
    """A recipe for a tiny ResNet; further sections and keys of phases as given."""
    return Recipe.model_validate(
        {
            "name": "small",
            "data": {"source": source},
            "network": network or SMALL_NETWORK,
            "schedule": {"batch_size": batch_size, "ema_decay": 0.8},
            "phases": [{**SMALL_PHASE, "epochs": epochs, **phase} for phase in phases],
            **sections,
        }
    )
