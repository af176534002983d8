import numpy as np
import pytest

from emolens.core.errors import InputError, ModelError
from emolens.runtime.catalogue import find_model
from emolens.runtime.session import OnnxSession, inference_devices


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(ModelError, match="mine: not an ONNX model"):
        OnnxSession(b"text", name="mine")


def test_threads_must_be_positive() -> None:
    with pytest.raises(InputError, match="n_threads"):
        OnnxSession(b"", name="mine", n_threads=0)


def test_outputs_come_in_the_order_asked_for() -> None:
    session = OnnxSession(find_model("default", "emotion").read(), name="default")
    faces = np.zeros((2, 1, 48, 48), np.float32)
    cam, logits = session.run({session.input_names[0]: faces}, ["cam", "logits"])
    assert logits.shape == (2, 7)
    assert cam.shape[:2] == (2, 7)
    assert logits.dtype == cam.dtype == np.float32


def test_the_device_really_used_is_told() -> None:
    assert inference_devices() == ("CPUExecutionProvider",)
