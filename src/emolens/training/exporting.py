"""A checkpoint turned into a file, whatever it holds and whatever the file is."""

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
        others: More of them; the model is the mean of all networks.
        changes: Keys of the recipe to override in what is written.
        validation: Where the faces are that calibration and figures come from.
        int8: Whether the arithmetic has 8 bits.

    Returns:
        What was written, in a sentence.

    Raises:
        ConfigError: An option that this kind of file has no use for, or a recipe that is wrong.
    """
    has_options = bool(int8 or validation or others)
    if out.suffix == ".ckpt":
        if has_options:
            raise ConfigError(
                f"{out}: a checkpoint takes --set alone; the other options are for model files, "
                "which end in .onnx"
            )
        size_bytes = save_small(checkpoint, out, changes)
        return (
            f"wrote {out} ({size_bytes / 1e6:.1f} MB); recipes name it as start or under [teacher]"
        )
    if is_landmark_checkpoint(checkpoint):
        if has_options or changes:
            raise ConfigError(f"{checkpoint}: a model of landmarks is exported without options")
        written = export_landmarks(checkpoint, out)
        return (
            f"wrote {out} ({written.size_bytes / 1e6:.2f} MB, mean error of the landmarks "
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
