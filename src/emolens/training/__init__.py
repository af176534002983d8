"""From faces and labels to a checkpoint and from there to an ONNX file; torch lives only here."""

__all__ = ["export", "exporting", "fit", "gradcam", "networks", "recipe", "recipe_file", "running"]
