from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.core.emotion import N_EMOTIONS


@pytest.fixture(scope="session")
def generated_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file of drawn pictures whose class shows in their stripes, with both splits."""
    rng = np.random.default_rng(0)
    rows: dict[str, list[object]] = {"usage": [], "emotion": [], "image": []}
    for index in range(420):
        label = index % N_EMOTIONS
        wave = np.sin(np.arange(48) * (label + 1) * 0.25 + rng.uniform(0, 6))
        picture = 128 + 80 * np.tile(wave, (48, 1)) + rng.normal(0, 10, (48, 48))
        encoded = cv2.imencode(".png", np.clip(picture, 0, 255).astype(np.uint8))[1].tobytes()
        rows["usage"].append("Training" if index < 280 else "PublicTest")
        rows["emotion"].append(label)
        rows["image"].append(encoded)
    path = tmp_path_factory.mktemp("data") / "faces.parquet"
    pq.write_table(pa.table(rows), path)
    return path
