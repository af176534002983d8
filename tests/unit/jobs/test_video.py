from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import emolens
from emolens.core.errors import ConfigError, SourceError
from emolens.jobs.drawing import DrawOptions
from emolens.jobs.video import VideoJob, analyze_video
from emolens.pipeline.models import Models
from emolens.pipeline.stream_settings import StreamSettings
from emolens.runtime.catalogue import find_model
from emolens.testing import SyntheticSource, cut_clip
from emolens.testing.sample_clip import crossing_clip

pytestmark = pytest.mark.timeout(120)


def clip(duration_s: float = 1.0) -> SyntheticSource:
    return crossing_clip(size_wh=(320, 240), rate_hz=10, duration_s=duration_s)


def test_a_video_becomes_tables_a_copy_and_a_page(tmp_path: Path) -> None:
    shown: list[tuple[str, int | None]] = []
    done: list[int] = []

    @contextmanager
    def progress(what: str, n_steps: int | None) -> Iterator[Any]:
        shown.append((what, n_steps))
        yield done.append

    paths = [tmp_path / name for name in ("a.csv", "a.parquet")]
    job = VideoJob(tables=[str(paths[0]), paths[1]], annotated=tmp_path / "a.mkv")
    recorded = analyze_video(clip(), job, progress=progress)
    assert recorded.failures == []
    assert shown == [("frames", 10)]
    assert done == list(range(1, 11))
    table = pd.read_parquet(paths[1])
    assert list(table.columns) == list(emolens.TABLE_COLUMNS)
    assert len(pd.read_csv(paths[0])) == len(table)
    assert recorded.session.n_frames == table["frame"].nunique() == 10
    assert {track.track_id for track in recorded.session.tracks} == {1, 2}
    assert (tmp_path / "a.mkv").stat().st_size > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.csv",
        "a.csv.emolens.json",
        "a.mkv",
        "a.parquet",
    ]


def test_a_summary_has_the_tracks_of_the_session(tmp_path: Path) -> None:
    recorded = analyze_video(clip(), VideoJob(summary=tmp_path / "a.csv"))
    assert recorded.failures == []
    table = pd.read_csv(tmp_path / "a.csv")
    assert list(table["track_id"]) == [track.track_id for track in recorded.session.tracks]
    assert list(table["visible_s"]) == [t.shown.visible_s for t in recorded.session.tracks]


def test_a_summary_that_cannot_be_written_does_not_lose_the_session(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    recorded = analyze_video(clip(0.3), VideoJob(summary=tmp_path / "a.csv"))
    assert recorded.session.n_frames == 3
    (failure,) = recorded.failures
    assert "it is a folder" in failure


def test_heat_maps_need_no_second_reading_of_the_model(
    tmp_path: Path, model_reads: Counter[str]
) -> None:
    job = VideoJob(annotated=tmp_path / "a.mkv", draw_options=DrawOptions(blur=True, heatmap=True))
    analyze_video(clip(0.3), job, models=Models(model="labels-small"))
    assert model_reads["labels-small"] == 1
    assert set(model_reads.values()) == {1}


def test_a_stopped_run_keeps_its_results(tmp_path: Path) -> None:
    @contextmanager
    def stopping(runner: Any) -> Iterator[Any]:
        runner.request_stop()
        yield lambda: True

    table = tmp_path / "a.csv"
    with pytest.raises(SourceError, match="has no frames; stopped after 0 frames"):
        analyze_video(clip(), VideoJob(tables=[table]), stopping=stopping)
    assert not table.exists()


def test_what_cannot_be_analysed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"camera 0 is a live source. Use emolens.stream\(\)"):
        analyze_video(0)
    with pytest.raises(ConfigError, match="the output would overwrite another output"):
        analyze_video(clip(), VideoJob(tables=[tmp_path / "a.csv", tmp_path / "a.csv"]))
    with pytest.raises(
        ConfigError, match="the suffix is '\\.txt'; allowed: \\.csv, \\.parquet, \\.jsonl, \\.json"
    ):
        analyze_video(clip(), VideoJob(summary=tmp_path / "a.txt"))
    with pytest.raises(SourceError, match="SyntheticSource has no frames"):
        analyze_video(SyntheticSource(size_wh=(64, 48), duration_s=0))


def test_blurred_faces_are_searched_for_in_every_frame() -> None:
    job = VideoJob(draw_options=DrawOptions(blur=True), settings=StreamSettings.for_live())
    made = analyze_video(clip(0.3), job).provenance
    assert made is not None
    assert made.settings["detect_hz"] is None
    assert made.settings["detect_share"] is None
    assert made.settings["classify_hz"] == 10


def test_a_page_shows_no_faces_that_are_blurred() -> None:
    with pytest.raises(ConfigError, match=r"thumbnails .* would show the faces that blur"):
        VideoJob(draw_options=DrawOptions(blur=True), thumbnails=True)


def test_a_page_names_the_model_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    recorded = tmp_path / "private" / "film.mkv"
    analyze_video(clip(0.5), VideoJob(annotated=recorded))
    page = tmp_path / "page.html"
    models = Models(model=find_model("labels-small", "emotion").path)
    assert analyze_video(recorded, VideoJob(report=page), models=models).failures == []
    text = page.read_text(encoding="utf-8")
    assert "<h1>film.mkv</h1>" in text
    assert str(tmp_path) not in text
    assert "private" not in text
    assert f"labels-small ({models.classifier.model_sha256[:8]})" in text
    assert str(models.model_name) not in text
    analyze_video(recorded, VideoJob(report=page))
    shown = page.read_text(encoding="utf-8")
    assert "<code>everyday (" in shown
    assert "default</code>" not in shown


def test_a_page_is_html_whatever_the_suffix_asks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the suffix is '\.pdf'; allowed: \.html"):
        analyze_video(clip(), VideoJob(report=tmp_path / "out.pdf"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("is_on", "n_shots"), [(True, 3), (False, 1)])
def test_every_row_has_its_shot_and_no_track_is_in_two(
    tmp_path: Path, is_on: bool, n_shots: int
) -> None:
    paths = [tmp_path / name for name in ("a.csv", "a.parquet", "a.jsonl")]
    job = VideoJob(tables=paths, settings=StreamSettings(cuts=is_on))
    recorded = analyze_video(cut_clip(size_wh=(320, 180), shot_s=0.6), job)
    assert recorded.session.n_shots == n_shots
    assert recorded.session.cuts_s == pytest.approx([0.6, 1.2][: n_shots - 1])
    tables = [pd.read_csv(paths[0]), pd.read_parquet(paths[1]), pd.read_json(paths[2], lines=True)]
    for table in tables:
        assert table["shot"].dtype == np.int64
        assert set(zip(table["shot"], table["track_id"], strict=True)) == {
            (number, number) for number in range(1, n_shots + 1)
        }
