from pathlib import Path

import pytest

from emolens.core.errors import ConfigError, InputNotFoundError, SourceError
from emolens.media.camera_source import CameraSource
from emolens.media.clip import Clip
from emolens.media.image_source import ImageSource
from emolens.media.images import write_image
from emolens.media.network_source import NetworkSource
from emolens.media.open_source import paced, plan_of_frames, plan_source
from emolens.media.paced_source import PacedSource
from emolens.media.video_source import VideoSource
from emolens.testing import SyntheticSource
from tests.clips import ClipRecipe, make_clip, make_tracks, numbered_image


def opened_class(source: int | str, monkeypatch: pytest.MonkeyPatch) -> type:
    """Which class would open a camera or an address."""
    called: list[type] = []
    for kind in (CameraSource, NetworkSource):
        monkeypatch.setattr(kind, "__init__", lambda self, *_: called.append(type(self)))
    plan_source(source).open()
    return called[0]


@pytest.mark.parametrize(
    ("source", "name"), [(0, "camera 0"), ("0", "camera 0"), ("/dev/video3", "camera 3")]
)
def test_numbers_are_cameras(
    source: int | str, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plan_source(source)
    assert (plan.name, plan.is_endless, plan.path) == (name, True, None)
    assert opened_class(source, monkeypatch) is CameraSource


def test_a_file_that_is_called_like_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip(tmp_path / "a.mkv").rename(tmp_path / "0")
    monkeypatch.chdir(tmp_path)
    assert plan_source("0").path == Path("0")
    assert plan_source(0).path is None
    with plan_source("0").open() as source:
        assert len(list(source)) == 30


@pytest.mark.parametrize("scheme", ["rtsp", "HTTP", "https", "udp", "rtmp"])
def test_addresses_are_streams_and_their_passwords_are_not_shown(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{scheme}://me:geheim@camera/x"
    plan = plan_source(address)
    assert (plan.name, plan.is_endless, plan.path) == (
        f"{scheme.lower()}://camera/x",
        True,
        None,
    )
    assert opened_class(address, monkeypatch) is NetworkSource


@pytest.mark.parametrize("scheme", ["ftp", "file", "concat", "lavfi", "subfile"])
def test_other_schemes_are_refused(scheme: str) -> None:
    with pytest.raises(ConfigError, match="allowed: paths, camera numbers") as raised:
        plan_source(f"{scheme}://me:geheim@camera/x")
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize(
    "source",
    [
        "me:geheim@camera/door",
        Path("rtsp://me:geheim@camera/door"),
        "rtsp:me:geheim@camera",
        Path("http://me:geheim@camera"),
    ],
)
def test_an_address_without_a_scheme_is_not_repeated(source: str | Path) -> None:
    with pytest.raises(ConfigError, match="begins with its scheme") as raised:
        plan_source(source)
    assert "geheim" not in str(raised.value)


def test_a_file_that_is_called_like_a_login(tmp_path: Path) -> None:
    video = make_clip(tmp_path / "a.mkv").rename(tmp_path / "me:geheim@camera")
    assert plan_source(video).path == video


def test_files_and_folders(tmp_path: Path) -> None:
    video = make_clip(tmp_path / "a.mkv")
    write_image(tmp_path / "shots" / "1.png", numbered_image(1))
    clip = Clip(every=10)
    with plan_source(video, clip=clip).open() as source:
        assert isinstance(source, VideoSource)
        assert len(list(source)) == 3
    with plan_source(str(tmp_path / "shots"), clip=clip, rate_hz=5).open() as source:
        assert isinstance(source, ImageSource)
        assert len(list(source)) == 1
    plan = plan_source(video)
    assert (plan.name, plan.is_endless, plan.path) == (str(video), False, video)


def test_a_video_track_is_chosen_of_files_only(tmp_path: Path) -> None:
    recipes = [ClipRecipe(size_wh=(192, 128)), ClipRecipe()]
    path = make_tracks(tmp_path / "a.mkv", recipes)
    with plan_source(path, video_track=2).open() as source:
        assert {frame.size_wh for frame in source} == {(96, 64)}
    for other in (0, "rtsp://camera/x", tmp_path):
        with pytest.raises(
            ConfigError, match="is not a video file; video_track .* applies to video"
        ):
            plan_source(other, video_track=1)


def test_nothing_is_opened_before_it_is_asked_for(tmp_path: Path) -> None:
    plan = plan_source(tmp_path / "none.mp4")
    with pytest.raises(InputNotFoundError):
        plan.open()
    plan = plan_source(tmp_path)
    with pytest.raises(SourceError, match="without images"):
        plan.open()


def test_files_can_be_slowed_down_and_cameras_cannot(tmp_path: Path) -> None:
    plan = paced(plan_source(make_clip(tmp_path / "a.mkv")))
    with plan.open() as source:
        assert isinstance(source, PacedSource)
    camera = plan_source(7)
    assert paced(camera) is camera


def test_pages_show_the_name_of_a_file_without_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shots").mkdir()
    monkeypatch.chdir(tmp_path / "shots")
    for source, title in (
        (tmp_path / "film.mp4", "film.mp4"),
        ("../film.mp4", "film.mp4"),
        (tmp_path / "shots", "shots"),
        (".", "shots"),
        ("rtsp://me:secret@camera/door", "rtsp://camera/door"),
        (0, "camera 0"),
    ):
        assert plan_source(source).title == title
    assert plan_of_frames(SyntheticSource(), name="a clip").title == "a clip"
