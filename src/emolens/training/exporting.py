"""Export of any checkpoint as a model file or a smaller checkpoint."""

from collections.abc import Sequence
from pathlib import Path

from emolens.core.errors import ConfigError
from emolens.training.checkpoint import save_small
from emolens.training.export import export_checkpoint
from emolens.training.landmarks.checkpoint import is_landmark_checkpoint
from emolens.training.landmarks.export import export_landmarks


def export_any(
    checkpoint: Path,
    out: Path,
    *,
    others: Sequence[Path] = (),
    changes: Sequence[str] = (),
    validation: Path | None = None,
    int8: bool = False,
) -> str:
    """Write a checkpoint as a model file or, with the ending `.ckpt`, as a smaller checkpoint.

    Args:
        checkpoint: A `.ckpt` file of `emolens train`.
        out: The file to write.
        others: More checkpoints. The model is the mean of all networks.
        changes: Overrides of the recipe, such as `name=my-model`.
        validation: Source of the faces for calibration and metrics.
        int8: Whether to use 8-bit arithmetic.

    Returns:
        A sentence about the file.

    Raises:
        ConfigError: An option does not apply to this kind of file, or the recipe is wrong.
    """
    has_options = bool(int8 or validation or others)
    if out.suffix.lower() == ".ckpt":
        if has_options:
            raise ConfigError(
                f"{out}: a .ckpt file takes --set only. Use the other options with an .onnx file."
            )
        size_bytes = save_small(checkpoint, out, changes)
        return (
            f"wrote {out} ({size_bytes / 1e6:.1f} MB); use it in a recipe as start or in [teacher]"
        )
    if is_landmark_checkpoint(checkpoint):
        if has_options or changes:
            raise ConfigError(
                f"{checkpoint}: options do not apply to a landmark network. Export it without them."
            )
        written = export_landmarks(checkpoint, out)
        return (
            f"wrote {out} ({written.size_bytes / 1e6:.2f} MB, mean landmark error "
            f"{written.manifest.metrics['val_error']:.1%} of the distance between the eyes, "
            f"largest difference from torch {written.parity:.1e} sides of the close-up)"
        )
    exported = export_checkpoint(
        checkpoint, out, others=others, changes=changes, validation=validation, int8=int8
    )
    return (
        f"wrote {out} ({exported.size_bytes / 1e6:.1f} MB, "
        f"accuracy {exported.manifest.metrics['accuracy']:.2%}, "
        f"temperature {exported.manifest.temperature:.3f}, largest difference "
        f"from torch {exported.parity:.1e} in a logit)"
    )
