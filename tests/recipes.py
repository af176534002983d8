"""A recipe that trains in seconds."""

from pathlib import Path

from emolens.training.recipe import Recipe

SMALL = {
    "name": "small",
    "network": {"blocks": [1, 1, 1, 1], "channels": [8, 8, 16, 16], "stem_channels": 4},
    "augment": {"plain_epochs": 1},
    "schedule": {
        "epochs": 3,
        "batch_size": 32,
        "warmup_epochs": 1,
        "ema_decay": 0.8,
        "peak_rate": 1e-2,
    },
}


def small_recipe(source: Path, **schedule: object) -> Recipe:
    return Recipe.model_validate(
        {**SMALL, "data": {"source": source}, "schedule": {**SMALL["schedule"], **schedule}}  # type: ignore[dict-item]
    )
