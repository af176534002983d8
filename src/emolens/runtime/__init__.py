"""A verified model file -> a callable; the only package that imports onnxruntime."""
