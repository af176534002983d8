"""Train teachers and their student on one GPU within a time budget.

Pack the data for the GPU machine, about 50 MB; then train there:

    python docs/experiments/gpu_run.py pack $EMOLENS_DATA/fer2013 --weights FILE.dat --out gpu-data
    python docs/experiments/gpu_run.py train gpu-data --out results --minutes 9

The GPU machine needs torch, timm, lightning, torchmetrics, tensorboard, pyarrow, OpenCV,
scikit-learn, matplotlib, rich, ONNX Runtime, pydantic, platformdirs and defusedxml, and no network.

A short run of each recipe measures the number of epochs that fit. Each finished network is written
to the output folder with its metrics, and is not trained again when the command is
repeated. `FILE.dat` is dlib_face_recognition_resnet_model_v1.dat (`recipes/face-resnet.toml`).
"""

import argparse
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from emolens.datasets.faces import Split
from emolens.datasets.loading import iter_faces, load_faces
from emolens.datasets.readers.fer2013_parquet import to_table
from emolens.training.architectures import build_network
from emolens.training.checkpoint import save_checkpoint, save_small
from emolens.training.fit import fit, measure_on_some
from emolens.training.recipe import Recipe
from emolens.training.recipe_file import load_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
FACES, START = "faces.parquet", "face-resnet.ckpt"
# Beyond 100 OpenCV writes lossless WebP. Training faces tolerate imperceptible loss.
QUALITY = {Split.TRAIN: 92, Split.VALIDATION: 101}
PROBE_EPOCHS = 3
# Overhead of a run beside its epochs: reading, metrics, writing.
OVERHEAD_S = 10.0


@dataclass(frozen=True, slots=True)
class Training:
    """A network to train.

    Attributes:
        name: Stem of its files.
        recipe: A file of `recipes/`.
        changes: Changes of the recipe, section by section.
        share: Part of the remaining time that it may use.
        most_epochs: Maximum number of epochs.
        is_student: Whether the previous networks are its teachers.
    """

    name: str
    recipe: str
    share: float
    most_epochs: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    is_student: bool = False


PLAN: Sequence[Training] = (
    Training(
        "face-resnet",
        "face-resnet.toml",
        share=0.3,
        most_epochs=50,
        changes={"network": {"size_px": 128}, "schedule": {"batch_size": 256}},
    ),
    Training(
        "mirrored-18",
        "resnet18-gpu.toml",
        share=0.35,
        most_epochs=90,
        changes={"schedule": {"optimizer": "adamw", "weight_decay": 0.05}},
    ),
    Training(
        "mirrored-34",
        "resnet18-gpu.toml",
        share=0.5,
        most_epochs=60,
        changes={
            "seed": 1,
            "network": {
                "blocks": [3, 4, 6, 3],
                "channels": [48, 96, 192, 384],
                "stem_channels": 24,
            },
            "schedule": {"optimizer": "adamw", "weight_decay": 0.05},
        },
    ),
    Training(
        "student",
        "taught.toml",
        share=0.95,
        most_epochs=90,
        changes={"schedule": {"batch_size": 256}},
        is_student=True,
    ),
)


def pack(source: Path, weights: Path, out: Path) -> None:
    """Write all faces but `PrivateTest` into one small file, and the face-recognition network."""
    out.mkdir(parents=True, exist_ok=True)
    samples, images = [], []
    for split, quality in QUALITY.items():
        for sample in iter_faces(source, split):
            settings = [cv2.IMWRITE_WEBP_QUALITY, quality]
            images.append(cv2.imencode(".webp", sample.image, settings)[1].tobytes())
            samples.append(sample)
    table = to_table(samples)
    place = table.schema.get_field_index("image")
    table = table.set_column(place, table.schema.field(place), pa.array(images, pa.binary()))
    pq.write_table(table, out / FACES, compression="zstd")
    recipe = changed(PLAN[0], out, {"network": {"weights": str(weights)}})
    network = build_network(recipe, pretrained=True).eval()
    faces = load_faces(out / FACES, Split.TRAIN, size_px=recipe.data_size_px)
    measure_on_some(network, faces)
    # The recipe of the checkpoint must not refer to the weights file.
    with TemporaryDirectory() as folder:
        whole = Path(folder) / START
        save_checkpoint(whole, changed(PLAN[0], out), [network.state_dict()], "none")
        save_small(whole, out / START)


def changed(training: Training, data: Path, *more: Mapping[str, Any]) -> Recipe:
    """Return the recipe with its own and more changes, on the packed faces."""
    values = load_recipe(RECIPES / training.recipe).model_dump(mode="json", exclude_none=True)
    source = {"source": str(data / FACES)}
    values |= {"name": training.name, "data": [section | source for section in values["data"]]}
    if values["network"]["kind"] == "face-resnet":
        values["network"]["weights"] = "random"
    for changes in (training.changes, *more):
        for section, new in changes.items():
            is_part = isinstance(new, Mapping) and isinstance(values.get(section), Mapping)
            values[section] = {**values[section], **new} if is_part else new
    return Recipe.model_validate(values)


def phases_of(recipe: Recipe, epochs: int) -> dict[str, Any]:
    """Return the last phase alone, which trains all layers, with a number of epochs."""
    phase = recipe.phases[-1].model_dump(mode="json", exclude_none=True)
    plain = min(phase["plain_epochs"], epochs - 1)
    warm_up = min(phase["warmup_epochs"], epochs / 4)
    return {
        "phases": [{**phase, "epochs": epochs, "plain_epochs": plain, "warmup_epochs": warm_up}]
    }


def seconds_an_epoch(recipe: Recipe) -> float:
    """Measure seconds per epoch by a short run, without reading the faces."""
    began = [0.0]

    def begin(_faces: object) -> None:
        began[0] = time.monotonic()

    with TemporaryDirectory() as folder:
        fit(recipe, Path(folder) / "probe", show_progress=False, on_faces=begin)
        return (time.monotonic() - began[0]) / PROBE_EPOCHS


def train(data: Path, out: Path, minutes: float, plan: Sequence[Training] = PLAN) -> None:
    """Train the missing networks one after the other."""
    until_s = time.monotonic() + 60 * minutes
    out.mkdir(parents=True, exist_ok=True)
    teachers: list[str] = []
    for training in plan:
        finished = out / f"{training.name}.ckpt"
        if not finished.exists():
            left_s = until_s - time.monotonic()
            train_one(training, data, finished, training.share * left_s, teachers)
        if finished.exists():
            teachers.append(str(finished))


def train_one(
    training: Training, data: Path, finished: Path, budget_s: float, teachers: Sequence[str]
) -> None:
    """Train one network within a budget in seconds, and write it with its metrics."""
    more: dict[str, Any] = {}
    if training.is_student:
        more["teacher"] = {"checkpoints": list(teachers)}
    elif training.recipe.startswith("face-resnet"):
        more["start"] = str(data / START)
    recipe = changed(training, data, more)
    epoch_s = seconds_an_epoch(changed(training, data, more, phases_of(recipe, PROBE_EPOCHS)))
    left_s = budget_s - OVERHEAD_S - PROBE_EPOCHS * epoch_s
    epochs = min(int(left_s / epoch_s), training.most_epochs)
    if epochs < 1 or (training.is_student and not teachers):
        print(f"{training.name}: skipped, an epoch takes {epoch_s:.1f} s", flush=True)
        return
    with TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        chosen = changed(training, data, more, phases_of(recipe, epochs))
        result = fit(chosen, run, show_progress=False)
        shutil.copyfile(run / "metrics.json", finished.with_suffix(".json"))
        save_small(result.best, finished)
    print(
        f"{training.name}: {epochs} epochs of {epoch_s:.1f} s, accuracy {result.val_accuracy:.4f}",
        flush=True,
    )


def main() -> None:
    """Pack or train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("source", type=Path)
    packing.add_argument("--weights", type=Path, required=True)
    packing.add_argument("--out", type=Path, required=True)
    training = commands.add_parser("train")
    training.add_argument("data", type=Path)
    training.add_argument("--out", type=Path, required=True)
    training.add_argument("--minutes", type=float, default=9.0)
    options = parser.parse_args()
    if options.command == "pack":
        pack(options.source, options.weights, options.out)
    else:
        print(json.dumps({"gpu": torch.cuda.is_available()}), flush=True)
        train(options.data, options.out, options.minutes)


if __name__ == "__main__":
    main()
