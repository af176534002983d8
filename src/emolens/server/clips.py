"""Videos of clients: stored in a private folder, analysed in order, and deleted after a time."""

import asyncio
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Literal

from emolens.contract.server import JobRecord, JobState
from emolens.core.errors import (
    BusyError,
    EmolensError,
    EmptyFileError,
    InputNotFoundError,
    UnsupportedFormatError,
)
from emolens.imaging.kinds import HEAD_BYTES, VIDEO, kind_by_content
from emolens.server.clip_process import ClipOptions, ClipStatus, ClipTask
from emolens.server.clip_runner import run_clip
from emolens.server.errors import record_of
from emolens.server.names import checked_name
from emolens.server.private_folder import PrivateFolder, remove_leftovers
from emolens.server.settings import ServerSettings

OutputKind = Literal["table", "summary", "report"]
_KINDS: Final[tuple[OutputKind, ...]] = ("table", "summary", "report")
_LOGGER: Final = logging.getLogger("emolens.server")
_RETRY_S: Final = 10.0
_EXPIRY_EVERY_S: Final = 5.0
# MP4 files with sound only. Source: the registry of brands at mp4ra.org.
_SOUND: Final = re.compile(rb".{4}ftyp(?:M4[ABP] |F4[AB] )", re.DOTALL)
_MEDIA_TYPES: Final = {
    ".csv": "text/csv; charset=utf-8",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
}


@dataclass(slots=True, eq=False)
class _Job:
    id: str
    owner: str | None
    task: ClipTask
    keep_s: float
    ended_at_s: float | None = None
    state: JobState = "waiting"
    status: ClipStatus = field(default_factory=ClipStatus)
    run: "asyncio.Task[None] | None" = None

    @property
    def folder(self) -> Path:
        return Path(self.task.folder)

    @property
    def is_active(self) -> bool:
        return self.state in ("waiting", "running")

    @property
    def expires_s(self) -> float:
        """Seconds until the job is deleted, which count from the end of its analysis."""
        if self.ended_at_s is None:
            return self.keep_s
        return max(0.0, self.ended_at_s + self.keep_s - time.monotonic())

    @property
    def outputs(self) -> list[OutputKind]:
        is_done = self.state == "done"
        return [kind for kind in _KINDS if is_done and self.task.output(kind).is_file()]


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """An output of a job.

    Attributes:
        file: The open file.
        name: A file name for the client.
        media_type: Its media type.
    """

    file: BinaryIO
    name: str
    media_type: str


class Clips:
    """The analyses of videos of one server.

    All files are in one private folder. A video is deleted when it is analysed, and its results
    `Limits.keep_s` later. A job that waits or runs does not expire: `Limits.jobs` and
    `Limits.job_s` limit its time.

    Args:
        settings: Settings of the server.
        n_at_once: Videos that are analysed at once; the others wait in order.
    """

    def __init__(self, settings: ServerSettings, *, n_at_once: int = 1) -> None:
        self._settings, self._limits = settings, settings.limits
        self._n_at_once = n_at_once
        self._folder: PrivateFolder | None = None
        self._jobs: dict[str, _Job] = {}
        self._queue: asyncio.Queue[_Job] = asyncio.Queue()
        self._n_uploads = 0
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Create the folder, remove those of killed servers, and start to analyse."""
        await asyncio.to_thread(remove_leftovers)
        self._folder = PrivateFolder()
        analysing = [self._analyse_in_order() for _ in range(self._n_at_once)]
        self._loops = [asyncio.create_task(loop) for loop in (*analysing, self._expire())]

    async def stop(self) -> None:
        """Stop all analyses and delete all files."""
        folder, self._folder = self._folder, None
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await asyncio.gather(*map(self._remove, tuple(self._jobs.values())))
        if folder is not None:
            await asyncio.to_thread(folder.remove)

    @property
    def n_active(self) -> int:
        """Number of videos that are uploaded, wait or are analysed."""
        return self._n_uploads + sum(job.is_active for job in self._jobs.values())

    def check_free(self) -> None:
        """Check that another video is accepted, before its bytes are read.

        Raises:
            BusyError: Too many videos wait, too many results are kept, or the disk is used up.
        """
        self._check_running()
        if self.n_active >= self._limits.jobs:
            raise BusyError(
                f"the server is busy: {self.n_active} videos wait. Try again later.", _RETRY_S
            )
        n_bytes = self._stored_bytes() + (self._n_uploads + 1) * self._limits.clip_bytes
        if n_bytes > self._limits.disk_bytes:
            raise BusyError(
                f"another video could exceed the {self._limits.disk_bytes:,} bytes that the server "
                "may store. Delete jobs that are no longer needed, or try again later.",
                _RETRY_S,
            )
        expiries = [job.expires_s for job in self._jobs.values() if not _is_expired(job)]
        if self._n_uploads + len(expiries) >= self._limits.kept_jobs:
            wait_s = min(expiries, default=0.0)
            raise BusyError(
                f"the server keeps the results of {len(expiries)} videos. Delete jobs that are no "
                "longer needed, or try again later.",
                max(1.0, wait_s),
            )

    def _stored_bytes(self) -> int:
        return sum(map(_size_of, self._folder.path.rglob("*"))) if self._folder else 0

    async def create(
        self, name: str, chunks: AsyncIterator[bytes], options: ClipOptions, owner: str | None
    ) -> JobRecord:
        """Store a video and queue its analysis.

        Args:
            name: Name of the video; the record and the outputs name it.
            chunks: Its bytes.
            options: What to analyse and to write.
            owner: Name of the key; only requests with this key reach the job.

        Raises:
            BusyError: As for `check_free`, or the disk is full.
            EmptyFileError: There are no bytes.
            InputError: The name is not allowed, or as for `chunks`.
            UnsupportedFormatError: The bytes are not a video.
        """
        name = checked_name(name, "video")
        self.check_free()
        self._n_uploads += 1
        try:
            folder = await self._store(name, chunks)
        finally:
            self._n_uploads -= 1
        task = self._task(folder, name, options)
        job = _Job(secrets.token_urlsafe(16), owner, task, self._limits.keep_s)
        self._jobs[job.id] = job
        self._queue.put_nowait(job)
        return _record(job)

    def record(self, job_id: str, owner: str | None) -> JobRecord:
        """Return the record of a job.

        Raises:
            InputNotFoundError: There is no such job of this key.
        """
        return _record(self._find(job_id, owner))

    def open_output(self, job_id: str, owner: str | None, kind: OutputKind) -> "Output":
        """Open an output of a job. It can be read to its end even if the job is deleted meanwhile.

        Raises:
            InputNotFoundError: There is no such job of this key, or it has no such output.
        """
        job = self._find(job_id, owner)
        path = job.task.output(kind)
        try:
            if job.state != "done":
                raise FileNotFoundError
            file = path.open("rb")
        except FileNotFoundError:
            cause = f"the job has no {kind}; its state is {job.state!r}"
            raise InputNotFoundError(cause) from None
        stem = Path(job.task.name).stem
        name = f"{stem}-summary" if kind == "summary" else stem
        return Output(file, name + path.suffix, _MEDIA_TYPES[path.suffix])

    async def delete(self, job_id: str, owner: str | None) -> None:
        """Stop a job and delete its files.

        Raises:
            InputNotFoundError: There is no such job of this key.
        """
        await self._remove(self._find(job_id, owner))

    def _find(self, job_id: str, owner: str | None) -> _Job:
        job = self._jobs.get(job_id)
        if job is None or job.owner != owner or _is_expired(job):
            raise InputNotFoundError("there is no such job. It may have expired or been deleted.")
        return job

    async def _remove(self, job: _Job) -> None:
        self._jobs.pop(job.id, None)
        if job.run is not None:
            job.run.cancel()
            await asyncio.wait([job.run])
        await asyncio.to_thread(shutil.rmtree, job.folder, ignore_errors=True)

    async def _store(self, name: str, chunks: AsyncIterator[bytes]) -> Path:
        """Write the bytes of a video to a new folder; nothing remains after an error."""
        assert self._folder is not None  # noqa: S101 (see `check_free`)
        folder = self._folder.path / secrets.token_hex(8)
        try:
            for part in (folder, folder / "video", folder / "outputs"):
                part.mkdir(mode=0o700)
            await _write_video(folder / "video" / name, chunks)
            self._check_running()
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError) and not isinstance(error, EmolensError):
                _LOGGER.exception("a video cannot be stored")
                raise BusyError("the server cannot store videos now. Try again later.") from error
            raise
        return folder

    def _check_running(self) -> None:
        if self._folder is None:
            raise BusyError("the server is stopping. Try again later.")

    def _task(self, folder: Path, name: str, options: ClipOptions) -> ClipTask:
        limits = self._limits
        return ClipTask(
            folder=str(folder),
            name=name,
            options=options,
            model=str(self._settings.model),
            detector=self._settings.detector,
            clip_s=limits.clip_s,
            clip_pixels=limits.clip_pixels,
            job_bytes=limits.job_bytes,
            job_s=limits.job_s,
        )

    async def _analyse_in_order(self) -> None:
        while True:
            job = await self._queue.get()
            if job.id in self._jobs:
                job.run = asyncio.create_task(_analyse(job))
                await asyncio.wait([job.run])

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(min(_EXPIRY_EVERY_S, self._limits.keep_s / 4))
            for job in tuple(filter(_is_expired, self._jobs.values())):
                await self._remove(job)


async def _write_video(path: Path, chunks: AsyncIterator[bytes]) -> None:
    """Write a file that only its owner can read, if its first bytes are those of a video."""
    head = b""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        async for chunk in chunks:
            if len(head) >= HEAD_BYTES:
                await asyncio.to_thread(file.write, chunk)
                continue
            head += chunk
            if len(head) >= HEAD_BYTES:
                check_container(head, path.name)
                await asyncio.to_thread(file.write, head)
        if len(head) < HEAD_BYTES:
            check_container(head, path.name)
            file.write(head)


def check_container(head: bytes, name: str) -> None:
    """Check that the first bytes of a file are those of a video.

    Args:
        head: The first `HEAD_BYTES` of the file, or all of it.
        name: Its name, for messages.

    Raises:
        EmptyFileError: There are no bytes.
        UnsupportedFormatError: It is something else, such as a playlist, a text or an image.
    """
    if not head:
        raise EmptyFileError(f"{name} is empty (0 bytes). Send the bytes of a video.")
    kind = kind_by_content(head)
    if kind is VIDEO and not _SOUND.match(head):
        return
    found = "sound" if kind is VIDEO else f"a file of the kind {kind.name}" if kind else "no video"
    raise UnsupportedFormatError(
        f"{name} is {found}; allowed: MP4, MOV, Matroska, WebM, AVI, MPEG, FLV, ASF and Ogg with "
        "video"
    )


async def _analyse(job: _Job) -> None:
    def show(status: ClipStatus) -> None:
        job.status = status

    job.state = "running"
    try:
        status = await run_clip(job.task, show)
    except Exception:  # the job fails, and the server goes on
        _LOGGER.exception("a video cannot be analysed")
        status = ClipStatus(error=record_of(EmolensError()), is_done=True)
    # Of a failed job, the outputs are incomplete.
    unneeded = job.folder if status.error else job.task.video.parent
    await asyncio.to_thread(shutil.rmtree, unneeded, ignore_errors=True)
    if status.error is not None:
        seen = {"n_frames": job.status.n_frames, "n_expected": job.status.n_expected}
        status = status.model_copy(update=seen)
    job.status = status
    job.state = "failed" if status.error else "done"
    job.ended_at_s = time.monotonic()


def _size_of(path: Path) -> int:
    """Return the bytes of a file; 0 for one that is gone and for folders."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _is_expired(job: _Job) -> bool:
    return job.expires_s <= 0


def _record(job: _Job) -> JobRecord:
    status = job.status
    return JobRecord(
        id=job.id,
        name=job.task.name,
        state=job.state,
        n_frames=status.n_frames,
        n_expected=status.n_expected,
        error=status.error,
        warnings=status.warnings,
        failures=status.failures,
        outputs=list(job.outputs),
        expires_s=job.expires_s,
    )
