"""The warm-up runs every model."""

import pytest

from emolens.pipeline.models import Models
from emolens.runtime.session import OnnxSession
from emolens.server.warm_up import warm_up


def test_every_model_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: set[str] = set()
    run = OnnxSession.run

    def noting(self: OnnxSession, inputs: object, outputs: object) -> object:
        ran.add(self.name)
        return run(self, inputs, outputs)  # type: ignore[arg-type]

    monkeypatch.setattr(OnnxSession, "run", noting)
    monkeypatch.setattr("gc.freeze", lambda: None)
    warm_up(Models(n_threads=1))
    assert len(ran) >= 3  # detector, landmarks and expressions
