"""Random close-ups for training, with roll, shift, poor light and occlusion.

All functions run on batches and draw from torch's global generator.
"""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from emolens.core.face import MIRRORED_LANDMARKS
from emolens.training.landmarks.network import Found
from emolens.training.landmarks.recipe import ViewsSection

# Limits of the framing in the second pass, relative to those of the first.
_SECOND_LOOK = 0.25
# Fraction of the negatives that show backgrounds. The others are beside a face, show a small part
# of it, or show it too small.
_BACKGROUND_SHARE = 0.5
_BESIDE = (0.75, 1.2)
_TOO_NEAR = (0.25, 0.45)
_TOO_FAR = (3.0, 5.0)
# Light and noise. The network standardises close-ups, so level and contrast alone do not matter.
# Noise and rounding grow in dark or flat close-ups.
_GAMMA = math.log(2.0)
_SIDE_LIGHT = 0.6
_LOG_CONTRAST = (-3.0, 0.0)
_MAX_NOISE = 12.0
_COVER_CHANCE = 0.35
_COVER_SIDE = (0.1, 0.5)
_BLUR_CHANCE = 0.35


class FaceBatch(NamedTuple):
    """Images of one face each, with the teachers' targets in sides of the image, 0..1.

    Attributes:
        images: uint8 (N, 1, P, P), grey.
        landmarks: float32 (N, 5, 2).
        boxes: float32 (N, 4), x_min, y_min, x_max, y_max.
    """

    images: Tensor
    landmarks: Tensor
    boxes: Tensor


class Closeups(NamedTuple):
    """Close-ups with their ground truth.

    Attributes:
        pixels: float32 (N, 1, S, S), whole grey levels 0..255.
        truth: Landmarks and boxes in sides of the close-up; `faces` is 1 or 0. Without a face, the
            other values are undefined.
    """

    pixels: Tensor
    truth: Found


def draw_closeups(
    batch: FaceBatch,
    backgrounds: Tensor,
    spec: ViewsSection,
    size_px: int,
    *,
    second_looks: float = 0.0,
) -> Closeups:
    """Draw one close-up for each image.

    Args:
        batch: N images.
        backgrounds: uint8 (M, 1, P, P), grey images without faces.
        spec: Framing of the faces.
        size_px: Side S.
        second_looks: Fraction of the close-ups framed as in the second pass, 0..1.
    """
    n_faces = len(batch.images)
    n_negatives = round(spec.negatives * n_faces)
    n_backgrounds = round(_BACKGROUND_SHARE * n_negatives)
    far = torch.where(torch.rand(n_faces) < second_looks, _SECOND_LOOK, 1.0)
    middle, side = _squares(batch.boxes, spec, far)
    off = slice(n_backgrounds, n_negatives)
    middle[off], side[off] = _off_the_face(batch.boxes[off])
    turn = _turns(spec, far)
    mirror = torch.where(torch.rand(n_faces) < 0.5, -1.0, 1.0)
    images = batch.images.float()
    picked = backgrounds[torch.randint(len(backgrounds), (n_faces,))].float()
    images[:n_backgrounds] = picked[:n_backgrounds]
    maps = _matrices(middle, side, turn, mirror)
    pixels = _sample(images, picked.roll(1, 0), maps, size_px)
    truth = _truth(batch, middle, side, turn, mirror)
    truth.faces[:n_negatives] = 0
    return Closeups(_degrade(pixels), truth)


def plain_closeups(batch: FaceBatch, spec: ViewsSection, size_px: int) -> Closeups:
    """Draw one close-up of the face of each image, without changes to light or pixels."""
    n_faces = len(batch.images)
    far = torch.ones(n_faces)
    middle, side = _squares(batch.boxes, spec, far)
    turn, mirror = _turns(spec, far), torch.where(torch.rand(n_faces) < 0.5, -1.0, 1.0)
    maps = _matrices(middle, side, turn, mirror)
    pixels = _warp(batch.images.float(), maps, size_px, "border")
    return Closeups(pixels.round(), _truth(batch, middle, side, turn, mirror))


def _squares(boxes: Tensor, spec: ViewsSection, far: Tensor) -> tuple[Tensor, Tensor]:
    """Draw centres (N, 2) and sides (N,) of close-ups of faces; `far` (N,) scales the limits."""
    longer = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1)
    change = math.log(1 + spec.scale_change)
    side = longer * spec.scale * torch.exp(far * _plus_minus(longer.shape, change))
    shift = _plus_minus((len(boxes), 2), spec.shift) * (far * longer)[:, None]
    return (boxes[:, :2] + boxes[:, 2:]) / 2 + shift, side


def _off_the_face(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Draw centres (N, 2) and sides (N,) of close-ups beside, too near or too far from faces."""
    n_faces = len(boxes)
    longer = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    way = _plus_minus((n_faces,), math.pi)
    way = torch.stack([way.cos(), way.sin()], dim=1)
    kind = torch.randint(3, (n_faces,))
    distance = torch.where(kind == 0, _between((n_faces,), _BESIDE), _between((n_faces,), (0, 0.4)))
    scale = torch.ones(n_faces) * 1.3
    scale = torch.where(kind == 1, _between((n_faces,), _TOO_NEAR), scale)
    scale = torch.where(kind == 2, _between((n_faces,), _TOO_FAR), scale)
    return middle + way * (distance * longer)[:, None], scale * longer


def _turns(spec: ViewsSection, far: Tensor) -> Tensor:
    """Draw angles (N,) in radians; they are small in the second pass, where `far` is below 1."""
    n_faces = len(far)
    small = far * _plus_minus((n_faces,), math.radians(spec.small_roll_deg))
    is_any = (torch.rand(n_faces) < spec.any_roll) & (far == 1)
    return torch.where(is_any, _plus_minus((n_faces,), math.pi), small)


def _matrices(middle: Tensor, side: Tensor, turn: Tensor, mirror: Tensor) -> Tensor:
    """Compute float (N, 2, 3) maps from close-up to image positions, both in -1..1."""
    cos, sin = side * turn.cos(), side * turn.sin()
    x = torch.stack([mirror * cos, -sin, 2 * middle[:, 0] - 1], dim=1)
    y = torch.stack([mirror * sin, cos, 2 * middle[:, 1] - 1], dim=1)
    return torch.stack([x, y], dim=1)


def _truth(batch: FaceBatch, middle: Tensor, side: Tensor, turn: Tensor, mirror: Tensor) -> Found:
    centers = (batch.boxes[:, :2] + batch.boxes[:, 2:]) / 2
    points = torch.cat([batch.landmarks, centers[:, None]], dim=1) - middle[:, None]
    cos, sin = turn.cos()[:, None], turn.sin()[:, None]
    x = mirror[:, None] * (cos * points[..., 0] + sin * points[..., 1])
    y = cos * points[..., 1] - sin * points[..., 0]
    placed = torch.stack([x, y], dim=2) / side[:, None, None]
    landmarks, center = placed[:, :-1], placed[:, -1]
    landmarks = torch.where(mirror[:, None, None] < 0, landmarks[:, MIRRORED_LANDMARKS], landmarks)
    size = (batch.boxes[:, 2:] - batch.boxes[:, :2]) / side[:, None]
    return Found(landmarks, torch.cat([center, size], dim=1), torch.ones(len(size)))


def _sample(images: Tensor, around: Tensor, maps: Tensor, size_px: int) -> Tensor:
    """Crop close-ups; outside an image they repeat its border, mirror it or show another image."""
    way = int(torch.randint(3, ()))
    if way < 2:
        return _warp(images, maps, size_px, ("border", "reflection")[way])
    turned = maps.clone()
    # The same part of another image, shrunk to lie wholly inside it.
    turned[:, :, 2] = 0
    reach = turned.abs().sum(dim=2).amax(dim=1)
    turned /= reach.clamp(min=1)[:, None, None]
    inside = _warp(torch.ones_like(images), maps, size_px, "zeros")
    return _warp(images, maps, size_px, "zeros") + (1 - inside) * _warp(
        around, turned, size_px, "border"
    )


def _warp(
    images: Tensor,
    maps: Tensor,
    size_px: int,
    padding: Literal["border", "reflection", "zeros"] | str,
) -> Tensor:
    grid = nn.functional.affine_grid(maps, [len(maps), 1, size_px, size_px], align_corners=False)
    return nn.functional.grid_sample(
        images, grid, mode="bilinear", padding_mode=padding, align_corners=False
    )


def _degrade(pixels: Tensor) -> Tensor:
    """Change light and sharpness, add noise and occlusion, and round to whole grey levels."""
    each = (len(pixels), 1, 1, 1)
    pixels = _cover(_blur(pixels)).clamp(0, 255)
    pixels = 255 * (pixels / 255) ** torch.exp(_plus_minus(each, _GAMMA))
    ramp = torch.linspace(-1, 1, pixels.shape[-1])
    x, y = _plus_minus(each, _SIDE_LIGHT), _plus_minus(each, _SIDE_LIGHT)
    pixels = pixels * (1 + x * ramp + y * ramp[:, None]).clamp(min=0.1)
    contrast = torch.exp(_between(each, _LOG_CONTRAST)) * (torch.rand(each) < 0.5)
    contrast = torch.where(contrast == 0, torch.ones(each), contrast)
    level = torch.rand(each) * (1 - contrast) * 255
    noise = torch.rand(each).square() * _MAX_NOISE * contrast.sqrt()
    pixels = pixels * contrast + level + noise * torch.randn_like(pixels)
    return pixels.round().clamp(0, 255)


def _blur(pixels: Tensor) -> Tensor:
    """Blur a random part of the close-ups by a factor of 2 or 3."""
    side = pixels.shape[-1]
    factor = 2 + int(torch.randint(2, ()))
    small = nn.functional.interpolate(
        pixels, size=(side // factor, side // factor), mode="bilinear", antialias=True
    )
    soft = nn.functional.interpolate(small, size=(side, side), mode="bilinear")
    is_soft = torch.rand(len(pixels), 1, 1, 1) < _BLUR_CHANCE
    return torch.where(is_soft, soft, pixels)


def _cover(pixels: Tensor) -> Tensor:
    """Cover a random part of the close-ups with a rectangle of one level or of noise."""
    each = (len(pixels), 1, 1, 1)
    place = torch.linspace(0, 1, pixels.shape[-1])
    width, height = _between(each, _COVER_SIDE), _between(each, _COVER_SIDE)
    x, y = torch.rand(each), torch.rand(each)
    is_covered = ((place - x).abs() < width / 2) & ((place[:, None] - y).abs() < height / 2)
    is_covered &= torch.rand(each) < _COVER_CHANCE
    grain = torch.randn_like(pixels) * 40 * (torch.rand(each) < 0.5)
    return torch.where(is_covered, 255 * torch.rand(each) + grain, pixels)


def _plus_minus(shape: tuple[int, ...] | torch.Size, limit: float) -> Tensor:
    return (2 * torch.rand(shape) - 1) * limit


def _between(shape: tuple[int, ...], limits: tuple[float, float]) -> Tensor:
    low, high = limits
    return low + (high - low) * torch.rand(shape)
