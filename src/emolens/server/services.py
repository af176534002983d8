"""What the routes share: models, workers, limits and counters."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import HTTPConnection

from emolens.contract import LimitsRecord
from emolens.explanation import FaceExplainer, MapKind
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.models import Models
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.server.access import Access
from emolens.server.bodies import Bodies
from emolens.server.clips import Clips
from emolens.server.metrics import Metrics
from emolens.server.settings import Limits, ServerSettings
from emolens.server.workers import Workers

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Services:
    """Everything that handlers of requests use.

    Attributes:
        settings: Settings of the server.
        models: Models that all requests share.
        workers: Threads that analyse.
        bodies: Request bodies in memory.
        access: Keys and tickets.
        clips: Analyses of videos.
        metrics: Counters.
    """

    settings: ServerSettings
    models: Models
    workers: Workers
    bodies: Bodies
    access: Access
    clips: Clips
    metrics: Metrics

    @property
    def limits(self) -> Limits:
        """Limits of the server."""
        return self.settings.limits
