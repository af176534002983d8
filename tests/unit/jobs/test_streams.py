import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.frame import Frame
from emolens.explanation.agreement import agreement_text
from emolens.jobs.drawing import DrawOptions
from emolens.pipeline.models import Models
from emolens.rendering.stream_overlay import StreamOverlay


def test_heat_maps_of_a_stream_tell_their_agreement() -> None:
    models = Models(model="labels-small")
    (note,) = DrawOptions(heatmap=True).notes(models)
    kind = models.default_map_kind
    assert note == f"{kind} maps: {agreement_text(kind, models.classifier.model_sha256)}"
    assert DrawOptions(blur=True).notes(models) == ()


@pytest.mark.parametrize(("is_live", "n_plain"), [(False, 0), (True, 9)])
def test_the_first_map_is_there_at_once_in_files_and_after_ten_frames_live(
    astronaut: npt.NDArray[np.uint8], is_live: bool, n_plain: int
) -> None:
    models = Models(model="labels-small")
    analyzer = models.stream_analyzer()
    heat, strip, overlay = DrawOptions(heatmap=True).layers(
        models, analyzer.framing, StreamOverlay(), is_live=is_live
    )
    assert isinstance(overlay, StreamOverlay)
    are_plain = []
    for index in range(12):
        frame = Frame(astronaut, index=index, media_time_s=index / 30)
        found = analyzer.step(frame)
        drawn = heat.apply(frame.image, found)
        are_plain.append(np.array_equal(drawn, frame.image))
        # The meaning of the colours stands at the edge from the first face on.
        assert (strip.apply(drawn, found) != drawn).any()
    assert are_plain == [True] * n_plain + [False] * (12 - n_plain)
