"""From faces and labels to a checkpoint and from there to an ONNX file; torch lives only here."""
