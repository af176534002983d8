"""ONNX Runtime sessions with the same settings for every model."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError, ModelError
from emolens.runtime.forks import keep_for_ever, watch_forks
from emolens.runtime.ort import onnxruntime

# ONNX Runtime's log levels: 3 shows errors and hides warnings that users cannot act on.
_LOG_ERRORS_ONLY = 3
_PROVIDERS = ("CPUExecutionProvider",)


class OnnxSession:
    """An ONNX model, loaded from bytes and ready to run on the CPU.

    A forked process reloads the model before its first run (see `emolens.runtime.forks`).

    Args:
        model: Content of the file; verified by the caller (see `emolens.runtime.catalogue`).
        name: Name of the model in messages.
        n_threads: Threads per call.
        weights: External data that the model declares but does not contain: name to float32 array.
            All of them, and no others.

    Raises:
        InputError: `n_threads` is below 1.
        ModelError: The bytes are not an ONNX model that this ONNX Runtime can load, or the weights
            do not belong to it.
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
            raise InputError(f"n_threads is {n_threads}; allowed: 1 or more")
        self.name = name
        # The session keeps a reference to the same bytes, so this costs no memory.
        self._model = model
        # Kept for forked processes; ONNX Runtime makes its own copies.
        self._weights = {name: np.array(array) for name, array in (weights or {}).items()}
        self._n_threads = n_threads
        self._loaded: onnxruntime.InferenceSession | None = self._load()
        watch_forks(self)

    def _load(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._n_threads
        options.inter_op_num_threads = 1
        # Spinning threads of one model, e.g. the detector, take cores from the next one, e.g. the
        # classifier. With two cores, an image took half as long again.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = _LOG_ERRORS_ONLY
        # Keep the tensors alive until the model is loaded; ONNX Runtime does not.
        tensors = [onnxruntime.OrtValue.ortvalue_from_numpy(w) for w in self._weights.values()]
        try:
            if tensors:
                options.add_external_initializers(list(self._weights), tensors)
            return onnxruntime.InferenceSession(self._model, options, providers=list(_PROVIDERS))
        # ONNX Runtime's exceptions share no base class below Exception.
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(
                f"{self.name}: the file is not a valid ONNX model: {reason}"
            ) from error

    def start_anew(self) -> None:
        """Set the parent's session aside in a forked process."""
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
        """Key-value pairs stored in the model file."""
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
            outputs: Names of the requested outputs.

        Returns:
            The outputs as float32 arrays, in the order of `outputs`.

        Raises:
            ModelError: The model does not accept these inputs, or fails.
        """
        try:
            arrays = self._session.run(list(outputs), dict(inputs))
        # ONNX Runtime's exceptions share no base class below Exception.
        except Exception as error:
            raise ModelError(f"{self.name}: the model failed: {error}") from error
        return [np.asarray(array, np.float32) for array in arrays]


def inference_devices() -> tuple[str, ...]:
    """Return the execution providers of emolens that this ONNX Runtime supports."""
    available = onnxruntime.get_available_providers()
    return tuple(provider for provider in _PROVIDERS if provider in available)
