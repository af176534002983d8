"""Models of a few numbers, for tests of explanations."""

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS, EmotionScores
from emolens.core.manifest import InputSpec, ModelManifest
from emolens.runtime.model_file import EmotionModel

SIZE_PX = 48
UNIFORM = EmotionScores(np.full(7, 1 / 7, np.float32))


def manifest(temperature: float = 1.0) -> ModelManifest:
    return ModelManifest(
        name="fixed",
        labels=LABELS,
        input=InputSpec(size_px=SIZE_PX, mean=0.0, std=1.0),
        temperature=temperature,
        dataset="none",
        code_revision="unknown",
        metrics={},
        license="Apache-2.0",
    )


class BrightnessSession:
    """Stands in for a session: a map's cells are mean grey values times the class's number.

    The cells are equal parts of the face, or pixels `stride` apart as in a strided convolution.
    """

    input_names = ("faces",)

    def __init__(self, *, n_cells: int = 3, is_strided: bool = False, has_cam: bool = True) -> None:
        self.n_cells = n_cells
        self.is_strided = is_strided
        self.output_names = ("logits", "cam") if has_cam else ("logits",)

    def run(
        self, inputs: dict[str, npt.NDArray[np.float32]], outputs: list[str]
    ) -> list[npt.NDArray[np.float32]]:
        faces = inputs["faces"][:, 0]
        stride = SIZE_PX // self.n_cells
        if self.is_strided:
            padded = np.pad(faces, ((0, 0), (stride, stride), (stride, stride)))
            # A window of odd width around the pixels 0, stride, 2 * stride, ...
            half = stride // 2
            starts = [stride + index * stride - half for index in range(self.n_cells)]
            width = 2 * half + 1
        else:
            padded, starts, width = faces, [i * stride for i in range(self.n_cells)], stride
        cells = np.stack(
            [
                np.stack(
                    [padded[:, y : y + width, x : x + width].mean(axis=(1, 2)) for x in starts], -1
                )
                for y in starts
            ],
            axis=1,
        )
        maps = cells[:, None] * np.arange(7)[:, None, None]
        arrays = {"cam": maps.astype(np.float32), "logits": maps.mean((2, 3)).astype(np.float32)}
        return [arrays[name] for name in outputs]


def brightness_model(
    *, n_cells: int = 3, is_strided: bool = False, has_cam: bool = True, temperature: float = 1.0
) -> EmotionModel:
    session = BrightnessSession(n_cells=n_cells, is_strided=is_strided, has_cam=has_cam)
    return EmotionModel(session, manifest(temperature), "", 0)  # type: ignore[arg-type]  # a stand-in
