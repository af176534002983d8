"""Batches of a few fixed sizes, because ONNX Runtime keeps memory for every input shape."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emolens.runtime.session import OnnxSession

_BATCH_SIZES = (1, 2, 4, 8, 16)


def run_rows(
    session: OnnxSession, rows: npt.NDArray[np.float32], outputs: Sequence[str]
) -> list[npt.NDArray[np.float32]]:
    """Run a model with one input on any number of rows.

    Args:
        session: The model; row n of each output must depend only on row n of the input.
        rows: float32 (N, ...), N at least 1.
        outputs: Names of the requested outputs.

    Returns:
        The outputs in the order of `outputs`, float32 (N, ...).

    Raises:
        ModelError: The model does not accept such rows, or fails.
    """
    largest = _BATCH_SIZES[-1]
    parts = [
        _run_batch(session, rows[start : start + largest], outputs)
        for start in range(0, len(rows), largest)
    ]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _run_batch(
    session: OnnxSession, rows: npt.NDArray[np.float32], outputs: Sequence[str]
) -> list[npt.NDArray[np.float32]]:
    n_rows = len(rows)
    batch_size = next(size for size in _BATCH_SIZES if size >= n_rows)
    padded = np.zeros((batch_size, *rows.shape[1:]), np.float32)
    padded[:n_rows] = rows
    arrays = session.run({session.input_names[0]: padded}, outputs)
    return [array[:n_rows] for array in arrays]
