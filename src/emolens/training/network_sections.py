"""Recipe sections of the supported networks, with validation."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from emolens.training.recipe_section import Count, Fraction, Section, SidePx

HUB, RANDOM = "hub", "random"
_DEFAULT_KIND = "resnet"
# Below the minimum, the last feature map is smaller than a filter. dlib trained with 150 px.
_MIN_FACE_PX = {1: 96, 2: 108}
_MAX_FACE_PX = 150


class ResNetSection(Section):
    """A ResNet for small grey faces (He et al. 2016), built from timm's blocks."""

    kind: Literal["resnet"] = "resnet"
    blocks: tuple[Count, Count, Count, Count] = (2, 2, 2, 2)
    """Basic blocks per stage; the second and later stages halve the resolution."""
    channels: tuple[Count, Count, Count, Count] = (64, 128, 256, 512)
    """Channels per stage."""
    stem_channels: Count = 32
    """Channels of the first two 3x3 convolutions of the stem; the third has twice as many."""
    stem_stride: Literal[1, 2] = 2
    """Stride of the stem; there is no max-pooling."""
    mirrored: bool = False
    """Tie every filter to its mirror image. A mirrored face then gets the same prediction."""
    dropout: Fraction = 0.2
    """Dropout before the linear head."""
    size_px: SidePx = 48
    """Side of the grey input."""

    @model_validator(mode="after")
    def _check_halves(self) -> Self:
        odd = [n for n in (*self.channels, self.stem_channels) if n % 2]
        if self.mirrored and odd:
            raise ValueError(f"mirrored needs even numbers of channels; got {odd[0]}")
        return self


class ViTSection(Section):
    """A small Vision Transformer (Dosovitskiy et al. 2021) for grey faces, from timm."""

    kind: Literal["vit"]
    patch_px: Annotated[int, Field(ge=2)] = 6
    """Side of a patch; `size_px` must be a multiple."""
    width: Count = 192
    """Length of a token."""
    depth: Count = 9
    """Transformer blocks."""
    heads: Count = 3
    """Attention heads; `width` must be a multiple."""
    dropout: Fraction = 0.0
    """Dropout before the linear head."""
    stochastic_depth: Fraction = 0.1
    """Probability of skipping the deepest block (Huang et al. 2016); it decreases linearly towards
    the first block."""
    size_px: SidePx = 48
    """Side of the grey input."""

    @model_validator(mode="after")
    def _check_divisions(self) -> Self:
        if self.size_px % self.patch_px or self.width % self.heads:
            raise ValueError(
                f"size_px {self.size_px} must be a multiple of patch_px {self.patch_px}, and width "
                f"{self.width} a multiple of heads {self.heads}"
            )
        return self


class BackboneSection(Section):
    """A pretrained backbone of timm with a new head."""

    kind: Literal["backbone"]
    name: str
    """timm's name, such as `resnet34`, `resnet50` or `vit_small_patch16_224`."""
    weights: str = HUB
    """`hub` to download timm's weights, `random`, or the path of a state dict."""
    hidden: tuple[Count, ...] = ()
    """Widths of dense layers with ReLU and dropout between pooling and the last layer."""
    dropout: Fraction = 0.3
    """Dropout before every dense layer."""
    size_px: SidePx = 224
    """Side of the input. Grey faces are repeated over the three colour channels."""


class FaceResNetSection(Section):
    """dlib's face-recognition ResNet (`emolens.training.face_resnet`)."""

    kind: Literal["face-resnet"]
    weights: str
    """Path of `dlib_face_recognition_resnet_model_v1.dat`, or `random`."""
    last_stride: Literal[1, 2] = 2
    """Stride of the last level: 2 as in dlib, or 1 for a feature map of 3x3 cells at 112 px."""
    hidden: tuple[Count, ...] = ()
    """Widths of dense layers with ReLU and dropout between pooling and the last layer."""
    dropout: Fraction = 0.2
    """Dropout before every dense layer."""
    size_px: SidePx = 112
    """Side of the grey input, 96 to 150; at least 108 with a `last_stride` of 2."""

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        low, high = (_MIN_FACE_PX[self.last_stride], _MAX_FACE_PX)
        if not low <= self.size_px <= high:
            raise ValueError(
                f"size_px must be {low} to {high} with last_stride {self.last_stride}; "
                f"got {self.size_px}"
            )
        return self


def _network_kind(values: object) -> str:
    if isinstance(values, dict):
        return str(values.get("kind", _DEFAULT_KIND))
    return str(getattr(values, "kind", _DEFAULT_KIND))


NetworkSection = Annotated[
    Annotated[ResNetSection, Tag("resnet")]
    | Annotated[ViTSection, Tag("vit")]
    | Annotated[BackboneSection, Tag("backbone")]
    | Annotated[FaceResNetSection, Tag("face-resnet")],
    Discriminator(_network_kind),
]
