"""The networks that a recipe can name, as plain values with checks."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from emolens.training.recipe_section import Count, Fraction, Section, SidePx

HUB, RANDOM = "hub", "random"
_DEFAULT_KIND = "resnet"
# Below, the last level has no place for its filters; above, nothing was learnt.
_LEAST_FACE_PX = {1: 96, 2: 108}
_LARGEST_FACE_PX = 150


class ResNetSection(Section):
    """A ResNet for small grey faces (He et al. 2016), built from timm's blocks."""

    kind: Literal["resnet"] = "resnet"
    blocks: tuple[Count, Count, Count, Count] = (2, 2, 2, 2)
    """Basic blocks per stage; the second and later stages halve the resolution."""
    channels: tuple[Count, Count, Count, Count] = (64, 128, 256, 512)
    """Channels per stage."""
    stem_channels: Count = 32
    """Channels of the first two 3x3 convolutions; the third one gives twice as many."""
    stem_stride: Literal[1, 2] = 2
    """Stride of the stem; there is no max-pooling."""
    mirrored: bool = False
    """Tie every filter to its mirror image, so that mirrored faces get the same answer."""
    dropout: Fraction = 0.2
    """Dropout before the linear head."""
    size_px: SidePx = 48
    """Side of the grey input."""

    @model_validator(mode="after")
    def _check_halves(self) -> Self:
        odd = [n for n in (*self.channels, self.stem_channels) if n % 2]
        if self.mirrored and odd:
            raise ValueError(f"mirrored needs even numbers of channels, got {odd[0]}")
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
    """Chance that the deepest block is skipped (Huang et al. 2016); shallower ones less."""
    size_px: SidePx = 48
    """Side of the grey input."""

    @model_validator(mode="after")
    def _check_divisions(self) -> Self:
        if self.size_px % self.patch_px or self.width % self.heads:
            raise ValueError(
                f"size_px {self.size_px} must be a multiple of patch_px {self.patch_px} and "
                f"width {self.width} one of heads {self.heads}"
            )
        return self


class BackboneSection(Section):
    """A backbone of timm's with weights that were trained elsewhere, and a head of our own."""

    kind: Literal["backbone"]
    name: str
    """timm's name, such as `resnet34`, `resnet50` or `vit_small_patch16_224`."""
    weights: str = HUB
    """`hub` for timm's download, `random`, or the path of a file with a state dict."""
    hidden: tuple[Count, ...] = ()
    """Widths of dense layers with ReLU and dropout between pooling and the last layer."""
    dropout: Fraction = 0.3
    """Dropout before every dense layer."""
    size_px: SidePx = 224
    """Side of the input; grey faces are repeated over the three colours."""


class FaceResNetSection(Section):
    """dlib's face-recognition ResNet, which knows faces (`emolens.training.face_resnet`)."""

    kind: Literal["face-resnet"]
    weights: str
    """The path of `dlib_face_recognition_resnet_model_v1.dat`, or `random`."""
    last_stride: Literal[1, 2] = 2
    """Stride of the last level: 2 as it was trained; 1 keeps a map of 3x3 places at 112 px."""
    hidden: tuple[Count, ...] = ()
    """Widths of dense layers with ReLU and dropout between pooling and the last layer."""
    dropout: Fraction = 0.2
    """Dropout before every dense layer."""
    size_px: SidePx = 112
    """Side of the grey input, 96 to 150; at least 108 with a `last_stride` of 2."""

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        low, high = (_LEAST_FACE_PX[self.last_stride], _LARGEST_FACE_PX)
        if not low <= self.size_px <= high:
            raise ValueError(
                f"size_px must be {low} to {high} with last_stride {self.last_stride}, "
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
