"""Fixtures for tests of streams that are lost and found."""

from collections.abc import Iterator

import pytest

from emolens.pipeline import runner as runner_module
from tests.unit.pipeline.sources import Gate


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def quick_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "_BACK_OFF_S", (0.005, 0.01))
