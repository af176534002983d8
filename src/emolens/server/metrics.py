"""Counters of the server for Prometheus. They contain no names, addresses or contents."""

from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from emolens.server.errors import BUSY_STATUS
from emolens.server.logs import known_method
from emolens.server.workers import Lane

if TYPE_CHECKING:
    from emolens.server.services import Services

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one server, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = Counter(
            "emolens_requests",
            "Answered requests.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.request_seconds = Histogram(
            "emolens_request_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.refused = self._counter("refused", "Requests refused because the server was busy.")
        self.images = self._counter("images", "Analysed images.")
        self.faces = self._counter("faces", "Faces in analysed images and frames.")
        # received = processed + unreadable + dropped + in flight, at any time.
        self.frames_received = self._counter("frames_received", "Frames received on streams.")
        self.frames_processed = self._counter("frames_processed", "Frames analysed on streams.")
        self.frames_unreadable = self._counter("frames_unreadable", "Frames that cannot be read.")
        self.frames_dropped = self._counter(
            "frames_dropped", "Frames dropped for a newer one, or because their stream ended."
        )
        self.frames_in_flight = self._gauge("frames_in_flight", "Frames that wait or are analysed.")
        self.frame_seconds = Histogram(
            "emolens_frame_seconds",
            "Seconds from the arrival of a frame to its result.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.streams = self._gauge("streams", "Open streams.")

    def watch(self, services: "Services") -> None:
        """Add gauges of queues, bodies and jobs, which are read at each scrape."""
        self._gauge("running", "Images and frames that workers analyse now.").set_function(
            lambda: services.workers.n_running
        )
        self._gauge("body_bytes", "Bytes of request bodies in memory.").set_function(
            lambda: services.bodies.n_bytes
        )
        self._gauge("ready", "1 if the server is ready.").set_function(
            lambda: float(services.is_ready)
        )
        waiting = Gauge(
            "emolens_waiting", "Work in each queue.", ("queue",), registry=self._registry
        )
        for lane in Lane:
            waiting.labels(lane.value).set_function(
                lambda lane=lane: services.workers.n_waiting(lane)  # type: ignore[misc]  # a default argument binds the lane
            )

    def count_request(
        self, method: str, route: str, status: int | None, *, seconds: float | None = None
    ) -> None:
        """Count an answered request.

        Args:
            method: Its method.
            route: The declared path that it matches, without its values.
            status: Status of the answer, or None without one.
            seconds: Time from its head to the end of its answer; None for a WebSocket.
        """
        self.requests.labels(known_method(method), route, str(status or "none")).inc()
        if seconds is not None:
            self.request_seconds.labels(route).observe(seconds)
        if status == BUSY_STATUS:
            self.refused.inc()

    def text(self) -> bytes:
        """Return all values in Prometheus' text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, description: str) -> Counter:
        return Counter(f"emolens_{name}", description, registry=self._registry)

    def _gauge(self, name: str, description: str) -> Gauge:
        return Gauge(f"emolens_{name}", description, registry=self._registry)
