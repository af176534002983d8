"""Requests by the server's own description, with real and damaged images in their bodies."""

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as described

from emolens.server.settings import Limits
from tests.image_bodies import bodies, clips
from tests.server_process import ServerProcess

# A sequence of thousands of requests must not meet the limits on what is kept or waits.
LIMITS: Final = Limits(jobs=100_000, kept_jobs=100_000)
# Shares of operations. Those without parameters have one case only, and maps take long.
SHARES: Final[Mapping[str, float]] = {
    "POST /v1/analyze": 0.54,
    "POST /v1/explain": 0.06,
    "POST /v1/jobs": 0.16,
    "GET /v1/jobs/{job_id}": 0.1,
    "DELETE /v1/jobs/{job_id}": 0.08,
    "GET /v1/jobs/{job_id}/{output}": 0.1,
}
_CHECKS: Final = [
    not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_schema_conformance,
]
_IMAGE_TYPES: Final = ("jpeg", "png", "webp", "gif", "bmp", "tiff", "heic", "heif", "avif")
_VIDEO_TYPES: Final = ("mp4", "webm", "x-matroska", "quicktime", "x-msvideo", "mpeg", "mp2t")


@dataclass(slots=True)
class Outcome:
    """What a run found.

    Attributes:
        statuses: Number of answers of each operation and status.
        failures: Requests that failed a check, as text.
    """

    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def n_cases(self) -> int:
        """Number of answers."""
        return sum(sum(counts.values()) for counts in self.statuses.values())

    def count(self, least: int) -> int:
        """Return the number of answers with a status of at least some number."""
        pairs = itertools.chain.from_iterable(one.items() for one in self.statuses.values())
        return sum(number for status, number in pairs if status >= least)


def register_bodies() -> None:
    """Let schemathesis send images and videos, good and damaged, whatever type is declared."""
    for name in _IMAGE_TYPES:
        schemathesis.openapi.media_type(f"image/{name}", bodies())
    for name in _VIDEO_TYPES:
        schemathesis.openapi.media_type(f"video/{name}", clips())
    schemathesis.openapi.media_type("application/octet-stream", bodies() | clips())
    schemathesis.openapi.format("binary", bodies())


def fuzz(server: ServerProcess, n_cases: int) -> Outcome:
    """Send requests to a running server and check each answer.

    Args:
        server: The server, with `LIMITS`.
        n_cases: Number of requests, about.
    """
    register_bodies()
    address = f"http://{server.address}"
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    outcome = Outcome()
    with requests.Session() as session:
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            n_examples = max(2, round(n_cases * SHARES.get(operation.label, 0.05)))
            _fuzz_operation(operation, n_examples, session, outcome)
    return outcome


def _fuzz_operation(
    operation: Any, n_examples: int, session: requests.Session, outcome: Outcome
) -> None:
    counts = outcome.statuses.setdefault(operation.label, Counter())
    cases = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=n_examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case: Any) -> None:
        response = case.call(session=session)
        counts[response.status_code] += 1
        try:
            case.validate_response(response, checks=_CHECKS)
        except FailureGroup as group:
            texts = [str(failure)[:300] for failure in group.exceptions]
            outcome.failures.append(f"{operation.label} {response.status_code}: {texts}")
        if response.status_code == 202:
            address = response.request.url.partition("?")[0]
            session.delete(f"{address}/{response.json()['id']}")

    send()
