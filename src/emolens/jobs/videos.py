"""Analysis of several videos in one call; an error in one does not affect the others."""

import contextlib
import glob
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from emolens.core.errors import ConfigError, EmolensError
from emolens.core.progress import Progress, silently
from emolens.jobs.streams import Stopping, never
from emolens.jobs.video import Recorded, VideoJob, analyze_video, check_output_names, outputs_of
from emolens.media.addresses import without_secrets
from emolens.media.open_source import SourcePlan, plan_source
from emolens.pipeline.models import Models
from emolens.pipeline.runner import StreamRunner
from emolens.sessions.session import Session
from emolens.storage.names import check_distinct

NAME: Final = "{name}"
"""The part of an output that is replaced by the name of the video without its suffix."""


@dataclass(frozen=True, slots=True)
class VideoOutcome:
    """The outcome of one video.

    Attributes:
        path: Path of the video, as given.
        recorded: The result, or None if there is none.
        error: The error if there is no result, or None.
    """

    path: str
    recorded: Recorded | None = None
    error: EmolensError | None = None

    @property
    def failures(self) -> list[str]:
        """Error messages for users; empty on success."""
        if self.recorded is not None:
            return self.recorded.failures
        return [str(self.error)]

    @property
    def session(self) -> Session | None:
        """Summary of the session, or None if there is no result."""
        return self.recorded.session if self.recorded else None


def find_videos(patterns: Sequence[str]) -> list[str]:
    """Expand glob patterns, sorted, unless a file has exactly that name.

    A pattern without a match is returned unchanged, so that opening it reports an error.
    """
    found: list[str] = []
    for pattern in patterns:
        is_pattern = glob.has_magic(pattern) and not os.path.lexists(pattern)
        matches = sorted(glob.glob(pattern)) if is_pattern else []  # noqa: PTH207 (any pattern)
        found += matches or [pattern]
    return found


def refuse_live_sources(paths: Sequence[str]) -> None:
    """Raise `ConfigError` if a path is a camera or an address, with the command to use."""
    for path in paths:
        if plan_source(path).is_endless:
            shown = shlex.quote(without_secrets(path))
            raise ConfigError(f"{shown} is a live source; use: emolens live --source {shown}")


def jobs_of(paths: Sequence[str], job: VideoJob) -> list[VideoJob]:
    """Return the job of each video, with outputs of its own.

    An output with `{name}` gets the name of the video. An output that is a folder gets a file with
    the name of the video in it. Videos of the same name get numbers: `a`, `a-2`. The output of a
    single video may also be a file.

    Args:
        paths: Videos.
        job: The job with the outputs as given.

    Raises:
        ConfigError: An output is one file for several videos, would overwrite a video or another
            output, or has a suffix that is not supported.
    """
    jobs = [_named_job(job, name, n_videos=len(paths)) for name in _names(paths)]
    for one in jobs:
        check_output_names(one)
    outputs = [output for one in jobs for output in outputs_of(one)]
    check_distinct(outputs, sources=map(Path, paths))
    return jobs


def analyze_videos(
    paths: Sequence[str],
    job: VideoJob,
    plan: Callable[[str], SourcePlan],
    *,
    models: Models,
    progress: Progress = silently,
    stopping: Stopping = never,
) -> Iterator[VideoOutcome]:
    """Analyse videos lazily, in order, until one is stopped.

    Args:
        paths: Videos.
        job: Settings, and outputs as for `jobs_of`.
        plan: Plans a video.
        models: Models to use.
        progress: Progress callback.
        stopping: Context manager that can stop an analysis.

    Yields:
        One outcome per video.

    Raises:
        ConfigError: As for `jobs_of`, or a setting is out of range.
        ModelError: A model cannot be loaded.
    """
    jobs = jobs_of(paths, job)
    # What is wrong with a setting or a model concerns all videos.
    models.stream_analyzer(tracker=job.tracker, settings=job.settings)
    was_stopped = False

    @contextlib.contextmanager
    def noting(runner: StreamRunner) -> Iterator[Callable[[], bool]]:
        nonlocal was_stopped
        with stopping(runner) as is_stopped:
            yield is_stopped
            was_stopped = is_stopped()

    for path, own in zip(paths, jobs, strict=True):
        try:
            recorded = analyze_video(
                plan(path), own, models=models, progress=progress, stopping=noting
            )
        except EmolensError as error:
            yield VideoOutcome(path, error=error)
        else:
            yield VideoOutcome(path, recorded)
        if was_stopped:
            return


def _names(paths: Sequence[str]) -> list[str]:
    """Return the names of videos without suffix, each once."""
    names: list[str] = []
    for path in paths:
        stem = Path(os.path.abspath(path)).stem or "video"  # noqa: PTH100 (keeps links)
        name, number = stem, 1
        while name.lower() in {taken.lower() for taken in names}:
            number += 1
            name = f"{stem}-{number}"
        names.append(name)
    return names


def _named_job(job: VideoJob, name: str, *, n_videos: int) -> VideoJob:
    own = partial(_own_output, name=name, n_videos=n_videos)
    return replace(
        job,
        tables=[own(table, ".csv") for table in job.tables],
        annotated=None if job.annotated is None else own(job.annotated, ".mkv"),
        report=None if job.report is None else own(job.report, ".html"),
        summary=None if job.summary is None else own(job.summary, "-tracks.csv"),
    )


def _own_output(output: str | Path, suffix: str, *, name: str, n_videos: int) -> str | Path:
    """Return the output of one video, as described in `jobs_of`."""
    text, path = os.fspath(output), Path(output)
    if NAME in text:
        return text.replace(NAME, name)
    is_folder = text.endswith(("/", os.sep)) or path.is_dir()
    if is_folder or (n_videos > 1 and not path.suffix):
        return path / f"{name}{suffix}"
    if n_videos == 1:
        return output
    raise ConfigError(
        f"{text} is one file for several videos; allowed: a folder, such as out/, or a name with "
        f"{NAME}, such as out/{NAME}{path.suffix}."
    )
