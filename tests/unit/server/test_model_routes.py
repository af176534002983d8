from dataclasses import fields

import pytest

from emolens.contract.server import ModelsAnswer
from emolens.core.emotion import LABELS
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.models import Models
from emolens.server.model_routes import router
from emolens.server.settings import Limits
from tests.unit.server.small_app import client_of


class CountedModels(Models):
    """Models that count their analyzers."""

    n_analyzers = 0

    def image_analyzer(self, **options: object) -> ImageAnalyzer:
        self.n_analyzers += 1
        return super().image_analyzer()


def test_the_answer_has_the_models_the_labels_and_the_limits() -> None:
    models, limits = Models(n_threads=1), Limits(images=3, clip_s=20.0)
    with client_of(router, models=models, limits=limits) as client:
        answer = client.get("/v1/models")
    assert answer.status_code == 200
    record = ModelsAnswer.model_validate_json(answer.content)
    made = models.image_analyzer().provenance
    assert (record.model, record.detector) == (made.model, made.detector)
    assert record.model.sha256 == models.classifier.model_sha256
    assert record.model.measured
    assert record.labels == list(LABELS)
    assert (record.limits.images, record.limits.clip_s) == (3, 20.0)
    assert set(answer.json()["limits"]) <= {one.name for one in fields(Limits)}


def test_the_answer_tells_nothing_about_the_computer() -> None:
    with client_of(router, models=Models(n_threads=1)) as client:
        answer = client.get("/v1/models").json()
    assert set(answer) == {"schema_version", "labels", "model", "detector", "limits"}


def test_the_answer_is_computed_once_for_each_server() -> None:
    models, others = CountedModels(n_threads=1), CountedModels(n_threads=1)
    with client_of(router, models=models) as client:
        first, second = client.get("/v1/models"), client.get("/v1/models")
    assert first.content == second.content
    assert models.n_analyzers == 1
    with client_of(router, models=others, limits=Limits(images=2)) as client:
        assert client.get("/v1/models").json()["limits"]["images"] == 2
    assert others.n_analyzers == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_models_can_only_be_read(method: str) -> None:
    with client_of(router, models=Models(n_threads=1)) as client:
        assert client.request(method, "/v1/models").status_code == 405
