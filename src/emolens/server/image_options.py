"""What a client can choose for an image; unknown parameters are refused."""

from pydantic import Field

from emolens.contract import Record
from emolens.core.emotion import Emotion
from emolens.explanation import MapKind


class ImageOptions(Record):
    """What a client can choose for an image; the defaults are those of `emolens image`."""

    name: str = Field(
        default="image", description="Name of the image in the answer.", examples=["a.jpg"]
    )
    face_crops: bool = Field(
        default=False, description="Treat the image as one cropped face; do not detect."
    )
    sideways: bool = Field(
        default=True, description="Rotate an image without a detected face and detect again."
    )


class AnalyzeOptions(ImageOptions):
    """What a client can choose for an analysis."""

    min_confidence: float = Field(
        default=0.0, ge=0, le=1, description="Give no label below this confidence."
    )


class ExplainOptions(ImageOptions):
    """What a client can choose for an explanation."""

    emotion: Emotion | None = Field(
        default=None,
        description="Draw only this class, enlarged. Default: all seven. The numbers are always "
        "those of all classes.",
        examples=["happy"],
    )
    kind: MapKind | None = Field(
        default=None,
        description="occlusion: how much a probability drops when a region is blurred. "
        "activation: class-activation map. Default: the kind that agrees best with the model.",
        examples=["occlusion"],
    )
