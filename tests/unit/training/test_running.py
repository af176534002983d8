from types import SimpleNamespace
from typing import cast

from emolens.training.faces import SourceCounts, TrainingFaces
from emolens.training.running import source_sentences


def test_what_was_assumed_of_a_source_is_told() -> None:
    counts = SourceCounts("mine", 20, 10, {}, {}, 0, (), ("mine: the labels are numbers",))

    faces = cast("TrainingFaces", SimpleNamespace(sources=[counts]))

    assert list(source_sentences(faces)) == [
        "mine: 20 training and 10 validation faces",
        "mine: the labels are numbers",
    ]
