"""Each model file is read once, whatever it is needed for, and threads may share what is loaded."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import ConfigError
from emolens.core.frame import Frame
from emolens.explanation import MapKind
from emolens.pipeline.models import Models
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.runtime.catalogue import find_model


def test_nothing_is_read_before_it_is_needed(model_reads: Counter[str]) -> None:
    models = Models()
    assert not model_reads
    assert models.classifier.manifest.name == "everyday"
    assert list(model_reads) == ["everyday"]


def test_each_model_file_is_read_once(
    model_reads: Counter[str], astronaut: npt.NDArray[np.uint8]
) -> None:
    models = Models(model="labels-small")
    assert models.image_analyzer().analyze(astronaut).faces
    assert models.image_analyzer(detector_px=320, sideways=False).analyze(astronaut).faces
    for _ in range(2):
        analyzer = models.stream_analyzer(settings=StreamSettings(detector_px=320))
        assert analyzer.step(Frame(astronaut)).faces
    assert models.explainer is models.explainer is models.explainer_of(models.default_map_kind)
    kinds = {kind: models.explainer_of(kind) for kind in MapKind}
    assert all(models.explainer_of(kind) is kinds[kind] for kind in MapKind)
    for kind, explainer in kinds.items():
        assert explainer.explain([astronaut[:200, 150:350]])[0].kind is kind
    assert len(models.explainer.explain([astronaut[:200, 150:350]])) == 1
    assert model_reads["labels-small"] == 1
    assert set(model_reads.values()) == {1}


def test_threads_that_come_at_once_load_once(model_reads: Counter[str]) -> None:
    models = Models(n_threads=1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: models.image_analyzer(), range(8)))
    assert set(model_reads.values()) == {1}


def test_threads_may_share_an_image_analyzer(astronaut: npt.NDArray[np.uint8]) -> None:
    analyzer = Models(n_threads=1).image_analyzer()
    images = [astronaut, astronaut[:, ::-1].copy(), np.zeros_like(astronaut), astronaut[:300]] * 4
    alone = [analyzer.analyze(image).to_dict() for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = [result.to_dict() for result in pool.map(analyzer.analyze, images)]
    assert together == alone


def test_streams_in_threads_of_their_own_are_told_apart(
    astronaut: npt.NDArray[np.uint8],
) -> None:
    models = Models(n_threads=1)
    frames = [Frame(astronaut, index=i, media_time_s=i / 10) for i in range(8)]

    def run(_number: int) -> list[dict[str, object]]:
        analyzer = models.stream_analyzer()
        return [analyzer.step(frame).to_stream_dict() for frame in frames]

    alone = run(0)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(run, range(3))) == [alone] * 3


def test_what_has_no_effect_is_refused() -> None:
    models = Models()
    with pytest.raises(ConfigError, match="has no effect with face_crops"):
        models.image_analyzer(face_crops=True, detector_px=640)
    with pytest.raises(ConfigError, match="detector_px=640 has no effect"):
        StreamAnalyzer(
            models.detector(), models.classifier, settings=StreamSettings(detector_px=640)
        )


def test_wrong_options_are_refused_before_anything_is_read(model_reads: Counter[str]) -> None:
    with pytest.raises(ConfigError, match="unknown detector"):
        Models(detector="haar")
    with pytest.raises(ConfigError, match="n_threads is 0; allowed: 1 or more"):
        Models(n_threads=0)
    with pytest.raises(ConfigError, match="128 to 16384"):
        Models().detector(detector_px=64)
    assert not model_reads


def test_a_model_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(find_model("labels-small", "emotion").read())
    assert Models(model=path).classifier.manifest.name == "labels-small"
