"""What handlers share."""

from pathlib import Path

import pytest

from emolens.core.errors import ModelError
from emolens.server.services import build_services
from emolens.server.settings import ServerSettings


def test_a_model_that_cannot_be_loaded_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        build_services(ServerSettings(model=tmp_path / "missing.onnx"))


def test_a_server_begins_unready() -> None:
    services = build_services(ServerSettings(n_workers=1))
    try:
        assert not services.is_ready
        assert services.limits is services.settings.limits
    finally:
        services.workers.stop()
