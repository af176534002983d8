"""ONNX Runtime behind one small class, so that every model runs with the same settings."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError, ModelError
from emolens.runtime.forks import keep_for_ever, watch_forks
from emolens.runtime.ort import onnxruntime

# ONNX Runtime's own levels: 3 keeps errors and drops the warnings a user can do nothing about.
_LOG_ERRORS_ONLY = 3
_PROVIDERS = ("CPUExecutionProvider",)


class OnnxSession:
    """One ONNX model, loaded from bytes and ready to run on the CPU.

    A process that is forked loads it again when it runs it first (see `emolens.runtime.forks`).

    Args:
        model: The file's bytes; verified by the caller (see `emolens.runtime.catalogue`).
        name: What to call the model in messages.
        n_threads: Threads one call may use.
        weights: What the model declares as external data and does not bring along: name to float32
            array. All of them, and no others.

    Raises:
        ModelError: The bytes are no ONNX model that this ONNX Runtime can load, or other weights
            belong to it.
    """

    def __init__(
        self,
        model: bytes,
        *,
        name: str,
        n_threads: int = 1,
        weights: Mapping[str, npt.NDArray[np.float32]] | None = None,
    ) -> None:
        if n_threads < 1:
            raise InputError(f"n_threads must be at least 1, got {n_threads}")
        self.name = name
        # ONNX Runtime keeps these bytes as long as the session lives; it is one object.
        self._model = model
        # Kept for a process that is forked; ONNX Runtime makes its own copies.
        self._weights = {name: np.array(array) for name, array in (weights or {}).items()}
        self._n_threads = n_threads
        self._loaded: onnxruntime.InferenceSession | None = self._load()
        watch_forks(self)

    def _load(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._n_threads
        options.inter_op_num_threads = 1
        # Threads of one model that wait for work by spinning take the cores from the next one, e.g.
        # the detector's from the classifier: with two cores an image took half as long again.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = _LOG_ERRORS_ONLY
        # ONNX Runtime does not keep them alive itself until the model is loaded.
        tensors = [onnxruntime.OrtValue.ortvalue_from_numpy(w) for w in self._weights.values()]
        try:
            if tensors:
                options.add_external_initializers(list(self._weights), tensors)
            return onnxruntime.InferenceSession(self._model, options, providers=list(_PROVIDERS))
        # ONNX Runtime's exceptions share no base class below Exception.
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(
                f"{self.name}: not an ONNX model that can be loaded: {reason}"
            ) from error

    def start_anew(self) -> None:
        """Leave the parent's session alone, in a process that was forked."""
        if self._loaded is not None:
            keep_for_ever(self._loaded)
            self._loaded = None

    @property
    def _session(self) -> onnxruntime.InferenceSession:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    @property
    def metadata(self) -> Mapping[str, str]:
        """The key-value pairs stored in the model file."""
        metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        return metadata

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the model's inputs."""
        return tuple(node.name for node in self._session.get_inputs())

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the model's outputs."""
        return tuple(node.name for node in self._session.get_outputs())

    def run(
        self, inputs: Mapping[str, npt.NDArray[np.float32]], outputs: Sequence[str]
    ) -> list[npt.NDArray[np.float32]]:
        """Run the model once.

        Args:
            inputs: Input name to float32 array.
            outputs: Names of the outputs wanted.

        Returns:
            The outputs as float32 arrays, in the order asked for.

        Raises:
            ModelError: The model takes no such inputs, or fails.
        """
        try:
            arrays = self._session.run(list(outputs), dict(inputs))
        # ONNX Runtime's exceptions share no base class below Exception.
        except Exception as error:
            raise ModelError(f"{self.name}: the model failed: {error}") from error
        return [np.asarray(array, np.float32) for array in arrays]


def inference_devices() -> tuple[str, ...]:
    """What models run on here: the providers emolens asks for that this ONNX Runtime has."""
    available = onnxruntime.get_available_providers()
    return tuple(provider for provider in _PROVIDERS if provider in available)
