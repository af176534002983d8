import json
from dataclasses import replace
from pathlib import Path

import pytest

from emolens.explanation import MapKind
from emolens.explanation.agreement import (
    MEASURED,
    MIN_SHARE,
    Agreement,
    agreement_text,
    default_kind,
)
from emolens.runtime.catalogue import known_models

RECORD = json.loads(
    (Path(__file__).parents[3] / "docs/metrics/maps.json").read_text(encoding="utf-8")
)["models"]
SHIPPED = {model.name: model.sha256 for model in known_models() if model.kind == "emotion"}
GOOD = Agreement(share=0.7, ci95=(0.65, 0.75), constant=0.45, n_faces=400)


def test_every_shipped_model_is_measured() -> None:
    assert set(MEASURED) == set(SHIPPED.values())
    assert set(RECORD) == set(SHIPPED)


@pytest.mark.parametrize("kind", MapKind)
@pytest.mark.parametrize("name", SHIPPED)
def test_the_numbers_are_those_of_the_experiment(name: str, kind: MapKind) -> None:
    record, agreement = RECORD[name], MEASURED[SHIPPED[name]][kind]
    judged = record[kind]["judged"]
    assert record["model_sha256"] == SHIPPED[name]
    assert agreement.n_faces == judged["n"]
    assert agreement.share == pytest.approx(judged["share"], abs=5e-4)
    assert agreement.ci95 == pytest.approx(judged["ci95"], abs=5e-4)
    assert agreement.constant == pytest.approx(judged["constant"], abs=5e-4)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_default_kind_of_a_shipped_model_passes_the_rule(name: str) -> None:
    measured = MEASURED[SHIPPED[name]]
    default = default_kind(SHIPPED[name])
    assert measured[default].passes
    assert measured[default].share >= MIN_SHARE
    assert all(
        measured[default].share >= agreement.share
        for agreement in measured.values()
        if agreement.passes
    )


def test_the_rule_needs_the_share_and_more_than_a_constant_guess() -> None:
    assert GOOD.passes
    assert not replace(GOOD, share=0.59).passes
    assert not replace(GOOD, constant=0.66).passes


def test_the_better_of_two_kinds_that_pass_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    better, worse = replace(GOOD, share=0.8), replace(GOOD, share=0.2)
    kinds = (MapKind.ACTIVATION, MapKind.OCCLUSION)
    table = {
        "activation": dict(zip(kinds, (better, GOOD), strict=True)),
        "occlusion": dict(zip(kinds, (worse, GOOD), strict=True)),
    }
    monkeypatch.setattr("emolens.explanation.agreement.MEASURED", table)
    assert [default_kind(name) for name in (*table, "unknown")] == [
        MapKind.ACTIVATION,
        MapKind.OCCLUSION,
        MapKind.OCCLUSION,
    ]
    assert "For 70% of 400 faces" in agreement_text(MapKind.OCCLUSION, "occlusion")
    assert "too little: use occlusion maps" in agreement_text(MapKind.ACTIVATION, "occlusion")
    assert "is not measured" in agreement_text(MapKind.OCCLUSION, "unknown")
