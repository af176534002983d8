"""Counters for Prometheus."""

from prometheus_client.parser import text_string_to_metric_families

from emolens.server.metrics import Metrics
from tests.unit.server.conftest import Start, services_of


def values(text: str) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels
    }


def test_two_servers_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.images.inc()
    assert values(one.text().decode())["emolens_images_total"] == 1.0
    assert values(other.text().decode())["emolens_images_total"] == 0.0


def test_gauges_are_read_at_each_scrape(start: Start) -> None:
    client = start()
    assert values(client.get("/metrics").text)["emolens_ready"] == 1.0
    services_of(client).is_warm = False
    found = client.get("/metrics")
    assert values(found.text)["emolens_ready"] == 0.0
    assert values(found.text)["emolens_running"] == 0.0
    assert found.headers["Content-Type"].startswith("text/plain; version=0.0.4")
