"""Measure the processor time that each recipe takes, from a few training steps.

    python docs/experiments/recipe_times.py --json docs/metrics/recipe-times.json

Needs no data: the faces are random, and their number is that of the published data sets. The time
is that of one core, so other programs hardly matter.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from emolens.testing import drawn_faces
from emolens.training.architectures import build_network
from emolens.training.batches import Batch
from emolens.training.checkpoint import load_checkpoint
from emolens.training.landmarks.fit import load_landmark_recipe
from emolens.training.landmarks.module import LandmarkModule
from emolens.training.landmarks.network import LandmarkNetwork
from emolens.training.landmarks.recipe import KIND, LandmarkRecipe
from emolens.training.landmarks.teaching import teach
from emolens.training.landmarks.views import FaceBatch
from emolens.training.losses import ExpressionLoss
from emolens.training.module import ExpressionModule
from emolens.training.networks import ExpressionNetwork
from emolens.training.recipe import DataSection, Recipe
from emolens.training.recipe_file import load_recipe, override, read_toml

ROOT = Path(__file__).parents[2]
# Training faces of each source: published, or of docs/experiments/0020-learning.md (more.parquet).
# own-images stands for 1,000 images.
N_FACES = {
    "fer2013": 28_709,
    "raf-db": 12_271,
    "affectnet": 283_901,
    "expw": 91_793,
    "more.parquet": 7_500,
    "my-images": 1_000,
}
BATCH = 32
N_WARM_UP, N_STEPS = 1, 3
# dlib's file and ImageNet's weights are not needed to measure a time.
RANDOM_WEIGHTS = ("backbone", "face-resnet")


def seconds(step: Callable[[], object]) -> float:
    """Measure the processor seconds of a step."""
    for _ in range(N_WARM_UP):
        step()
    started = time.process_time()
    for _ in range(N_STEPS):
        step()
    return (time.process_time() - started) / N_STEPS


def faces_per_epoch(sections: tuple[DataSection, ...]) -> float:
    """Count the faces of an epoch."""
    return sum(one.repeat * N_FACES[one.source.name] for one in sections)


def random_batch(size_px: int, n_votes: int) -> Batch:
    """Draw faces and targets at random."""
    return Batch(
        torch.randint(0, 256, (BATCH, 1, size_px, size_px), dtype=torch.uint8),
        torch.randint(0, 7, (BATCH,)),
        torch.full((BATCH, n_votes), 0.1),
        torch.full((BATCH, 7), 1 / 7),
        torch.zeros(BATCH, dtype=torch.bool),
    )


def teachers_of(recipe: Recipe) -> list[ExpressionNetwork]:
    """Load the teachers of a recipe."""
    paths = recipe.teacher.checkpoints if recipe.teacher else ()
    return [network for path in paths for network in load_checkpoint(path).networks]


def phase_seconds(recipe: Recipe, index: int, teachers: list[ExpressionNetwork]) -> float:
    """Measure the processor seconds per face and epoch of a phase, or of computing its features."""
    network = build_network(recipe, pretrained=False)
    counts = torch.ones(7).numpy()
    loss = ExpressionLoss(recipe.loss, counts, recipe.class_indices)
    module = ExpressionModule(recipe, index, network, loss, teachers)
    module.log = lambda *_args, **_options: None  # type: ignore[method-assign,assignment]  # no trainer, no log
    network.train()
    batch = random_batch(recipe.data_size_px, 10 if recipe.loss.vote_weight else 0)
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.hardware.precision == "bf16"):
        if module.phase.learning_stages == 0:
            with torch.inference_mode():
                spec = network.input_spec
                faces = torch.rand(BATCH, 1, spec.size_px, spec.size_px)
                return 2 * seconds(lambda: network.eval()(faces)) / BATCH
        return seconds(lambda: module.training_step(batch, 0).backward()) / BATCH


def core_hours(recipe: Recipe) -> Iterator[float]:
    """Yield the hours of one core of each part of a run."""
    n_faces = faces_per_epoch(recipe.data)
    teachers = teachers_of(recipe)
    if not recipe.has_teacher_of_batches:
        for teacher in teachers:
            spec = teacher.input_spec
            faces = torch.rand(BATCH, 1, spec.size_px, spec.size_px)
            with torch.inference_mode():
                yield 2 * n_faces * seconds(lambda: teacher.eval()(faces)) / BATCH / 3600  # noqa: B023 (called at once)
        teachers = []
    for index, phase in enumerate(recipe.phases):
        per_face = phase_seconds(recipe, index, teachers)
        if phase.learning_stages == 0:
            yield per_face * n_faces / 3600
            continue
        # A smaller side costs less by its area.
        areas = [(side / recipe.network.size_px) ** 2 * n for side, n in phase.sizes]
        n_whole = phase.epochs - sum(n for _, n in phase.sizes)
        yield per_face * n_faces * (n_whole + sum(areas)) / 3600


def landmark_hours(recipe: LandmarkRecipe) -> Iterator[float]:
    """Yield the hours of one core of the teachers' detections and of each phase."""
    n_faces = sum(one.repeat * N_FACES[one.source.name] for one in recipe.images)
    n_images = sum(N_FACES[one.source.name] for one in recipe.images)
    drawn = drawn_faces(BATCH).images
    yield n_images * seconds(lambda: teach(list(drawn), recipe.teachers)) / BATCH / 3600
    size_px = recipe.network.size_px
    backgrounds = torch.randint(0, 256, (BATCH, 1, size_px, size_px), dtype=torch.uint8)
    batch = FaceBatch(
        torch.randint(0, 256, (BATCH, 1, size_px, size_px), dtype=torch.uint8),
        torch.rand(BATCH, 5, 2),
        torch.tensor([[0.1, 0.1, 0.9, 0.9]]).repeat(BATCH, 1),
    )
    for index, phase in enumerate(recipe.phases):
        module = LandmarkModule(recipe, index, LandmarkNetwork(recipe.network), backgrounds)
        module.log = lambda *_args, **_options: None  # type: ignore[method-assign,assignment]  # no trainer, no log
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.hardware.precision == "bf16"):
            # The closure is called at once.
            step = seconds(lambda: module.training_step(batch, 0).backward())  # noqa: B023 (called at once)
        yield phase.epochs * n_faces * step / BATCH / 3600


def measured(path: Path) -> dict[str, Any]:
    """Measure one recipe."""
    if read_toml(path).get("kind") == KIND:
        landmarks = load_landmark_recipe(path)
        return {
            "core_hours": round(sum(landmark_hours(landmarks)), 3),
            "epochs": sum(phase.epochs for phase in landmarks.phases),
            "faces": round(sum(one.repeat * N_FACES[one.source.name] for one in landmarks.images)),
        }
    recipe = load_recipe(path)
    if recipe.network.kind in RANDOM_WEIGHTS:
        recipe = override(recipe, ["network.weights=random"])
    return {
        "core_hours": round(sum(core_hours(recipe)), 3),
        "epochs": sum(phase.epochs for phase in recipe.phases),
        "faces": round(faces_per_epoch(recipe.data)),
    }


def time_line(record: dict[str, Any]) -> str:
    """Return the comment on the time in the recipe."""
    hours = record["core_hours"]
    amount = f"{hours:.0f} h" if hours >= 0.95 else f"{60 * hours:.0f} min"
    own = ", for 1,000 images" if record["faces"] == N_FACES["my-images"] else ""
    return f"# Time: {amount} of one CPU core{own}."


def main() -> None:
    """Print one line per recipe, and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="names of recipes; default: all")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    record = {}
    for path in sorted((ROOT / "recipes").glob("*.toml")):
        if options.only and path.stem not in options.only:
            continue
        record[path.stem] = measured(path)
        print(f"{path.stem}: {record[path.stem]} {time_line(record[path.stem])}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
