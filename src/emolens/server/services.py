"""What the handlers of requests share: models, workers, limits and counters."""

import os
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from emolens.pipeline.models import Models
from emolens.server.access import Access
from emolens.server.bodies import Bodies
from emolens.server.clips import Clips
from emolens.server.metrics import Metrics
from emolens.server.open_streams import OpenStreams
from emolens.server.settings import Limits, ServerSettings
from emolens.server.workers import Workers


@dataclass(slots=True, eq=False)
class Services:
    """Everything that handlers of requests use.

    Attributes:
        settings: Settings of the server.
        models: Models that all requests share.
        workers: Threads that analyse.
        bodies: Request bodies in memory.
        access: Keys, tickets and origins.
        clips: Analyses of videos.
        streams: The open streams.
        metrics: Counters.
        is_warm: Whether the warm-up is over.
        is_stopping: Whether the server stops.
    """

    settings: ServerSettings
    models: Models
    workers: Workers
    bodies: Bodies
    access: Access
    clips: Clips
    streams: OpenStreams
    metrics: Metrics = field(default_factory=Metrics)
    is_warm: bool = False
    is_stopping: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether the server takes requests: it is warm and does not stop."""
        return self.is_warm and not self.is_stopping

    @property
    def limits(self) -> Limits:
        """Limits of the server."""
        return self.settings.limits


def build_services(settings: ServerSettings, *, models: Models | None = None) -> Services:
    """Load and verify the models, and start the workers.

    Args:
        settings: Settings of the server.
        models: Models to use; by default, those that the settings name.

    Raises:
        ModelError: A model cannot be loaded.
    """
    # One thread per call: two images at once take less time than two images with two threads each.
    models = models or Models(model=settings.model, detector=settings.detector, n_threads=1)
    models.image_analyzer()
    services = Services(
        settings,
        models,
        Workers(settings.n_workers or n_usable_cores(), settings.limits.waiting),
        Bodies(settings.limits),
        Access(settings),
        Clips(settings),
        OpenStreams(settings.limits.streams),
    )
    services.metrics.watch(services)
    return services


def n_usable_cores() -> int:
    """Return the number of cores that this process may use."""
    # Not on macOS and Windows.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def services_of(connection: HTTPConnection) -> Services:
    """Return the services of the server that a request or WebSocket belongs to."""
    services: Services = connection.app.state.services
    return services
