"""Training of networks and export to ONNX; the only package that imports torch."""

__all__ = [
    "export",
    "exporting",
    "fit",
    "gradcam",
    "networks",
    "recipe",
    "recipe_file",
    "recipe_paths",
    "running",
]
