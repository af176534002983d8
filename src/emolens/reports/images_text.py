"""Results of images as text."""

from collections.abc import Sequence

from emolens.core.frame import FrameResult
from emolens.rendering.wording import label_text
from emolens.reports.text import TextTable


def images_table(results: Sequence[tuple[str, FrameResult]]) -> TextTable:
    """Create a table with one row per face, and one per image without faces.

    Args:
        results: Path and result of each image.
    """
    rows: list[tuple[str, ...]] = []
    for path, result in results:
        if not result.faces:
            rows.append((path, "-", "no face detected", "", ""))
        for number, face in enumerate(result.faces, start=1):
            second = int(face.scores.probabilities.argsort()[-2])
            label, value = list(face.scores.to_dict().items())[second]
            x_min, y_min, x_max, y_max = map(round, face.box.to_tuple())
            box = f"{x_max - x_min}x{y_max - y_min} at {x_min},{y_min}"
            name = path if number == 1 else ""
            rows.append((name, str(number), label_text(face), f"{label} {value:.0%}", box))
    return TextTable(
        ("image", "face", "apparent expression", "second", "box (px)"),
        rows,
        right=frozenset({4}),
        dim=frozenset({3, 4}),
        folded=frozenset({0, 2}),
    )
