"""Results of videos, and the progress of their jobs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from emolens.client.failures import error_of_record
from emolens.contract import SessionRecord
from emolens.contract.server import JobRecord
from emolens.core.errors import ServerError

OnProgress: TypeAlias = Callable[[JobRecord], object]
"""A function that is called with the state of a job."""

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_GROWTH: Final = 1.3


@dataclass(frozen=True, slots=True)
class ClipResults:
    """The results of a video.

    Attributes:
        job: The finished job, with warnings about the video and with the failures of its parts.
        table: The table of all faces and frames, as `emolens video` writes it.
        summary: The summary of all tracks.
        report: The page of the video (HTML), or None.
    """

    job: JobRecord
    table: bytes
    summary: SessionRecord
    report: bytes | None


def pauses_s() -> Iterator[float]:
    """Yield the seconds between questions about a job: short ones for short videos."""
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(_LONGEST_PAUSE_S, pause_s * _GROWTH)


def is_done(job: JobRecord, address: str) -> bool:
    """Return whether a job is done.

    Raises:
        EmolensError: It failed; the error is its cause.
    """
    if job.state != "failed":
        return job.state == "done"
    if job.error is None:
        raise ServerError(f"{job.name}: the server at {address} cannot analyse it. Read its log.")
    raise error_of_record(job.error, address)
