"""8-bit quantisation of ONNX graphs with ONNX Runtime's quantiser."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import emolens.runtime.ort  # noqa: F401  # before any part of ONNX Runtime, to keep it silent

_BATCH = 32


def quantize_graph(
    content: bytes, inputs: Mapping[str, npt.NDArray[np.float32]], *, nodes: Sequence[str]
) -> bytes:
    """Quantise selected nodes of a graph to int8 (static, weights per channel).

    Weights use 7 of the 8 bits. Processors with AVX2 but without VNNI add 8-bit products in 16-bit
    sums, which would overflow and change the outputs (ONNX Runtime's documentation, "Quantize ONNX
    models", on `reduce_range`).

    Requires the package `onnx`, which is part of the extra `train`.

    Args:
        content: A float32 ONNX model.
        inputs: Input name to float32 examples (N, ...), from which the range of every activation is
            calibrated.
        nodes: Names of the nodes to quantise.

    Returns:
        The quantised model.
    """
    # Only exports need the quantiser, which imports onnx, an optional dependency.
    from onnxruntime.quantization import (  # noqa: PLC0415 (needs onnx, an extra)
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415 (needs onnx, an extra)

    class Examples(CalibrationDataReader):  # type: ignore[misc]  # the library is untyped
        def __init__(self) -> None:
            n_examples = min(len(examples) for examples in inputs.values())
            self._starts = iter(range(0, n_examples, _BATCH))

        def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
            start = next(self._starts, None)
            if start is None:
                return None
            return {name: array[start : start + _BATCH] for name, array in inputs.items()}

    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder) / f"{name}.onnx" for name in ("a", "b", "c"))
        source.write_bytes(content)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            Examples(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            reduce_range=True,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_quantize=list(nodes),
        )
        return target.read_bytes()
