"""Model files of emolens: an ONNX graph, its manifest, and a digest of both.

The manifest is stored in the ONNX metadata under `MANIFEST_KEY`. Its `sha256` is the digest of the
whole file with these 64 digits replaced by zeros. The file thus verifies itself, and any changed
byte is detected before the graph is loaded. Named models are also compared with the digest in
`emolens.runtime.catalogue`.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emolens.core.description import ModelIdentity
from emolens.core.emotion import N_EMOTIONS
from emolens.core.errors import ModelError
from emolens.core.manifest import BLANK_SHA256, LandmarkManifest, ModelManifest
from emolens.runtime.catalogue import LANDMARK_MODEL, find_model
from emolens.runtime.session import OnnxSession

MANIFEST_KEY = "emolens_manifest"
ONNX_SUFFIX = ".onnx"
_LOGITS, _CAM = "logits", "cam"
LANDMARK_OUTPUTS = ("landmarks", "boxes", "is_face")
_DIGEST = re.compile(rb'"sha256": "([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class EmotionModel:
    """A verified emotion model, ready to run.

    Attributes:
        session: Session that maps float32 (N, 1, S, S) to `logits` (N, 7) and, unless dense layers
            follow the pooling, to class-activation maps `cam` (N, 7, h, w).
        manifest: Manifest of the file.
        sha256: SHA-256 digest of the whole file.
        size_bytes: Size of the whole file.
    """

    session: OnnxSession
    manifest: ModelManifest
    sha256: str
    size_bytes: int

    @property
    def identity(self) -> ModelIdentity:
        """Name, digest and training data."""
        return ModelIdentity(self.manifest.name, self.sha256, self.manifest.dataset)


def load_emotion_model(name_or_path: str | Path, *, n_threads: int = 1) -> EmotionModel:
    """Read, verify and load an emotion model.

    Args:
        name_or_path: A name of the catalogue, or the path of a file from `emolens export`. Text
            that ends in `.onnx` or contains a path separator is a path.
        n_threads: Threads per call.

    Raises:
        ModelError: The name is unknown, the file is missing, or its digest, manifest or graph is
            wrong.
    """
    content = _read(name_or_path)
    verify_seal(content, name=str(name_or_path))
    session = OnnxSession(content, name=str(name_or_path), n_threads=n_threads)
    manifest = ModelManifest.from_json(session.metadata.get(MANIFEST_KEY, ""))
    if _LOGITS not in session.output_names or len(session.input_names) != 1:
        raise ModelError(
            f"{name_or_path}: the model has the inputs {list(session.input_names)} and the outputs "
            f"{list(session.output_names)}; expected one input and the output {_LOGITS!r}"
        )
    _check_shapes(session, manifest, str(name_or_path))
    return EmotionModel(session, manifest, hashlib.sha256(content).hexdigest(), len(content))


def _check_shapes(session: OnnxSession, manifest: ModelManifest, name: str) -> None:
    """Run the graph once on an empty face and compare the output shapes with the manifest."""
    size_px = manifest.input.size_px
    face = np.zeros((1, 1, size_px, size_px), np.float32)
    outputs = [name for name in (_LOGITS, _CAM) if name in session.output_names]
    logits, *maps = session.run({session.input_names[0]: face}, outputs)
    if logits.shape != (1, N_EMOTIONS) or any(cam.shape[:2] != (1, N_EMOTIONS) for cam in maps):
        raise ModelError(
            f"{name}: the graph returns logits {logits.shape} and cam "
            f"{maps[0].shape if maps else 'none'} for one face; expected (1, {N_EMOTIONS}) and "
            f"(1, {N_EMOTIONS}, h, w)"
        )


@dataclass(frozen=True, slots=True)
class LandmarkModel:
    """A verified landmark model, ready to run.

    Attributes:
        session: Session that maps float32 (N, 1, S, S) close-ups of grey levels 0..255 to
            `landmarks` (N, 5, 2) and `boxes` (N, 4: centre x and y, width, height), both relative
            to the centre of the close-up in units of its side, and to `is_face` (N,), the
            probability of a face.
        manifest: Manifest of the file.
        sha256: SHA-256 digest of the whole file; None for a model that is not from a file.
    """

    session: OnnxSession
    manifest: LandmarkManifest
    sha256: str | None = None

    @property
    def identity(self) -> ModelIdentity:
        """Name, digest and training data."""
        return ModelIdentity(self.manifest.name, self.sha256, self.manifest.dataset)


def load_landmark_model(path: Path | None = None, *, n_threads: int = 1) -> LandmarkModel:
    """Read, verify and load the landmark model.

    Args:
        path: A file from `emolens export`; None uses the shipped model.
        n_threads: Threads per call.

    Raises:
        ModelError: The file is missing, its digest is wrong, or it is another kind of model.
    """
    name = LANDMARK_MODEL if path is None else str(path)
    content = find_model(LANDMARK_MODEL, "landmarks").read() if path is None else _read(path)
    verify_seal(content, name=name)
    session = OnnxSession(content, name=name, n_threads=n_threads)
    manifest = LandmarkManifest.from_json(session.metadata.get(MANIFEST_KEY, ""))
    if set(session.output_names) != set(LANDMARK_OUTPUTS):
        raise ModelError(
            f"{name}: the model has the outputs {', '.join(session.output_names)}; expected "
            f"{', '.join(LANDMARK_OUTPUTS)}"
        )
    return LandmarkModel(session, manifest, hashlib.sha256(content).hexdigest())


def seal(content: bytes) -> bytes:
    """Write the digest into a model whose manifest has a blank one."""
    match = _find_digest(content, "the new model")
    if match.group(1) != BLANK_SHA256.encode():
        raise ModelError("the model already has a digest")
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[: match.start(1)] + digest + content[match.end(1) :]


def verify_seal(content: bytes, *, name: str) -> None:
    """Verify a model's own digest; raises `ModelError` if it is missing or wrong."""
    match = _find_digest(content, name)
    parts = memoryview(content)
    hashed = hashlib.sha256(parts[: match.start(1)])
    hashed.update(BLANK_SHA256.encode())
    hashed.update(parts[match.end(1) :])
    digest = hashed.hexdigest()
    if digest.encode() != match.group(1):
        raise ModelError(
            f"{name}: the SHA-256 of the file is {digest}, its manifest declares "
            f"{match.group(1).decode()}. The file is damaged or was changed. Copy or export it "
            "again."
        )


def _find_digest(content: bytes, name: str) -> "re.Match[bytes]":
    matches = list(_DIGEST.finditer(content))
    if len(matches) != 1:
        raise ModelError(
            f"{name}: not an emolens model: the file has {len(matches)} manifests, expected 1. "
            "Create a model with: emolens export CHECKPOINT OUT.onnx"
        )
    return matches[0]


def _read(name_or_path: str | Path) -> bytes:
    text = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or text.endswith(ONNX_SUFFIX) or "/" in text
    if not is_path and "\\" not in text:
        return find_model(text, "emotion").read()
    try:
        return Path(name_or_path).read_bytes()
    except OSError as error:
        raise ModelError(f"the model file {text} cannot be read: {error.strerror}") from error
