import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emolens.core.errors import ConfigError, SourceError
from emolens.core.frame import FrameResult
from emolens.jobs.video import VideoJob, outputs_of
from emolens.jobs.videos import analyze_videos, find_videos, jobs_of, refuse_live_sources
from emolens.media.open_source import plan_source
from emolens.media.recording_sink import RecordingSink
from emolens.pipeline.models import Models
from emolens.pipeline.runner import StreamRunner
from emolens.testing.sample_clip import crossing_clip

pytestmark = pytest.mark.timeout(120)


def names_of(paths: list[str], job: VideoJob) -> list[list[str]]:
    return [[str(output) for output in outputs_of(one)] for one in jobs_of(paths, job)]


def test_outputs_of_several_videos_have_their_names(tmp_path: Path) -> None:
    job = VideoJob(tables=["out/", "t/{name}.parquet"], annotated="drawn", report=str(tmp_path))
    assert names_of(["x/a.mp4", "b.tar.mkv", "y/A.mkv"], job) == [
        ["out/a.csv", "t/a.parquet", "drawn/a.mkv", f"{tmp_path}/a.html"],
        ["out/b.tar.csv", "t/b.tar.parquet", "drawn/b.tar.mkv", f"{tmp_path}/b.tar.html"],
        ["out/A-2.csv", "t/A-2.parquet", "drawn/A-2.mkv", f"{tmp_path}/A-2.html"],
    ]
    assert names_of(["a.mp4", "b.mp4"], VideoJob()) == [[], []]
    both = VideoJob(tables=["out/"], summary="out/")
    assert names_of(["a.mp4"], both) == [["out/a.csv", "out/a-tracks.csv"]]


def test_the_output_of_one_video_is_what_is_given() -> None:
    job = VideoJob(tables=["a.csv", "out/"], annotated=Path("b.mp4"))
    assert names_of(["film.mkv"], job) == [["a.csv", "out/film.csv", "b.mp4"]]
    with pytest.raises(ConfigError, match="'out': the name has no suffix"):
        jobs_of(["film.mkv"], VideoJob(tables=["out"]))


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (
            VideoJob(tables=["a.csv"]),
            r"one file for several videos;.*\{name\}.csv",
        ),
        (VideoJob(tables=["{name}.txt"]), "'a\\.txt': the suffix is '\\.txt'"),
        (VideoJob(annotated="{name}.mp4"), "b.mp4: the output would overwrite the source"),
    ],
)
def test_outputs_that_cannot_be_are_refused_before_any_video_is_read(
    job: VideoJob, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        list(analyze_videos(["a.mkv", "b.mp4"], job, plan_source, models=Models()))


def test_outputs_of_two_videos_are_two_files() -> None:
    job = VideoJob(tables=["out/"], summary="out/")
    jobs_of(["x.mkv", "y.mkv"], job)
    with pytest.raises(ConfigError, match=r"x-tracks\.csv: the output would overwrite another"):
        jobs_of(["x.mkv", "x-tracks.mkv"], job)


def test_patterns_are_expanded_in_order(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.mp4", "[x].mp4"):
        (tmp_path / name).touch()
    patterns = [f"{tmp_path}/?.mp4", f"{tmp_path}/[x].mp4", f"{tmp_path}/*.mkv", "none.mp4"]
    assert find_videos(patterns) == [
        *(f"{tmp_path}/{name}" for name in ("a.mp4", "b.mp4", "[x].mp4", "*.mkv")),
        "none.mp4",
    ]


def test_cameras_and_addresses_are_for_another_command() -> None:
    refuse_live_sources(["a.mp4"])
    with pytest.raises(ConfigError, match="use: emolens live --source 0"):
        refuse_live_sources(["a.mp4", "0"])
    with pytest.raises(ConfigError) as caught:
        refuse_live_sources(["rtsp://me:secret@camera/1"])
    assert "secret" not in str(caught.value)


@pytest.fixture
def videos(tmp_path: Path) -> list[str]:
    """A clip, a damaged file, another clip."""
    paths = [tmp_path / name for name in ("a.mkv", "b.mp4", "c.mkv")]
    for path in paths:
        with RecordingSink(path.with_suffix(".mkv")) as recording:
            for frame in crossing_clip(size_wh=(320, 240), rate_hz=10, duration_s=0.5):
                recording.write(frame, FrameResult(frame.size_wh, ()))
    paths[1].write_bytes(b"no video")
    return [str(path) for path in paths]


def test_one_bad_video_does_not_stop_the_others(videos: list[str], tmp_path: Path) -> None:
    job = VideoJob(tables=[f"{tmp_path}/out/"])
    outcomes = list(analyze_videos(videos, job, plan_source, models=Models()))
    assert [one.path for one in outcomes] == videos
    assert [one.session.n_frames if one.session else None for one in outcomes] == [5, None, 5]
    assert isinstance(outcomes[1].error, SourceError)
    assert [len(one.failures) for one in outcomes] == [0, 1, 0]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.csv")) == ["a.csv", "c.csv"]


def test_a_wrong_setting_concerns_all_videos(videos: list[str]) -> None:
    with pytest.raises(ConfigError, match="tracker"):
        list(analyze_videos(videos, VideoJob(tracker="none"), plan_source, models=Models()))


def test_who_stops_one_video_stops_all(videos: list[str], tmp_path: Path) -> None:
    @contextlib.contextmanager
    def stopping(runner: StreamRunner) -> Iterator[Callable[[], bool]]:
        yield lambda: True

    job = VideoJob(tables=[f"{tmp_path}/out/"])
    (one,) = analyze_videos(videos, job, plan_source, models=Models(), stopping=stopping)
    assert one.failures == ["stopped after 5 frames; the results so far are kept"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.csv")) == ["a.csv"]
