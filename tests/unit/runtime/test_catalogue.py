import hashlib
import io
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from emolens.core.errors import ModelError
from emolens.runtime.catalogue import KnownModel, find_known_model, find_model, known_models

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


def serve(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: io.BytesIO(content))


def test_everything_that_comes_with_packages_is_sound() -> None:
    for model in known_models():
        if model.url is None:
            assert model.read()


def test_default_is_an_alias_for_emotion_models_only() -> None:
    assert find_model("default", "emotion").kind == "emotion"
    with pytest.raises(ModelError, match="unknown detector model 'default'; known: centerface"):
        find_model("default", "detector")
    with pytest.raises(ModelError, match="unknown model 'default'"):
        find_known_model("default")


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
    with pytest.raises(ModelError, match="only https"):
        replace(remote, url="file:///etc/hostname").fetch()


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
    with pytest.raises(ModelError, match="damaged or was changed"):
        remote.read()


def test_what_comes_with_a_package_is_not_fetched() -> None:
    with pytest.raises(ModelError, match="nothing to fetch"):
        find_known_model("centerface").fetch()
