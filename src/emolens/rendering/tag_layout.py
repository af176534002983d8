"""The choice of form and place for the tags of one image or stream."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from emolens.core.errors import ConfigError
from emolens.core.face import FaceResult
from emolens.core.geometry import Box
from emolens.rendering.holds import Holds
from emolens.rendering.legend import Legend
from emolens.rendering.pen import Pen
from emolens.rendering.placement import TAG_SPOTS, Anchor, Place, Spot, Wish, place_tags
from emolens.rendering.tags import Tag, TagForm, tag_text_px

# One tag in so many may be shorter than the others.
_ONE_SHORTER_IN: Final = 10
# In a crowd, tags wider than so many face sides hide which face they belong to.
_CROWD_FROM: Final = 6
_CROWD_MAX_SIDES: Final = 2.0
_FORM: Final = "form"


class TagStyle(StrEnum):
    """The style of the tags of an image.

    Attributes:
        AUTO: The longest form that fits for nearly all faces.
        FULL: Expression, probability and bars; shorter at faces where they do not fit.
        COMPACT: Expression; shorter at faces where it does not fit.
        COLOR: Coloured boxes without tags, with a legend.
    """

    AUTO = "auto"
    FULL = "full"
    COMPACT = "compact"
    COLOR = "color"

    @classmethod
    def of(cls, style: str) -> "TagStyle":
        """Return the style of a name.

        Raises:
            ConfigError: The name is unknown; the message lists the styles.
        """
        try:
            return cls(style)
        except ValueError:
            allowed = ", ".join(known.value for known in cls)
            raise ConfigError(f"style is {style!r}; allowed: {allowed}") from None


_FORMS: Final = {
    TagStyle.AUTO: (TagForm.FULL, TagForm.WORD, TagForm.CODE, TagForm.NUMBER),
    TagStyle.FULL: (TagForm.FULL,),
    TagStyle.COMPACT: (TagForm.WORD,),
    TagStyle.COLOR: (TagForm.NONE,),
}


@dataclass(frozen=True, slots=True)
class TagPlan:
    """The tags of one frame.

    Attributes:
        form: The longest form of the tags.
        tags: One tag per face.
        places: The place of each tag, or None where no form fits.
        legend: The legend that short forms need, or None without need or room.
    """

    form: TagForm
    tags: list[Tag]
    places: list[Place | None]
    legend: Legend | None

    @property
    def regions(self) -> list[Box]:
        """The regions of tags and legend."""
        regions = [place.region for place in self.places if place is not None]
        return [*regions, self.legend.region] if self.legend else regions

    def draw(self, pen: Pen) -> None:
        """Draw tags and legend."""
        if self.legend is not None:
            self.legend.draw(pen)
        for tag, place in zip(self.tags, self.places, strict=True):
            if place is not None:
                tag.draw(pen, place.region, place.form)


class TagLayout:
    """The tags of one image or stream, steady from frame to frame.

    Args:
        style: The style.
        has_numbers: Whether several faces without a track get their numbers, from 1.
    """

    def __init__(self, style: TagStyle = TagStyle.AUTO, *, has_numbers: bool = False) -> None:
        self._style = style
        self._has_numbers = has_numbers
        self._anchors: Holds[int, Anchor] = Holds()
        self._forms: Holds[str, TagForm] = Holds()
        self._text_px: dict[int, int] = {}

    def plan(
        self, pen: Pen, faces: Sequence[FaceResult], obstacles: Sequence[Box], now_s: float
    ) -> TagPlan:
        """Plan the tags of the next frame.

        Args:
            pen: The pen.
            faces: The faces.
            obstacles: Regions to leave free, in addition to the faces.
            now_s: Time of the frame in seconds.
        """
        is_numbered = self._has_numbers and len(faces) > 1
        tags = [
            self._tag(pen, face, number if is_numbered else None)
            for number, face in enumerate(faces, start=1)
        ]
        wishes = [self._wish(pen, tag, face, now_s) for tag, face in zip(tags, faces, strict=True)]
        plan = self._plan(pen, tags, wishes, obstacles, now_s)
        self._remember(faces, plan, now_s)
        return plan

    def _tag(self, pen: Pen, face: FaceResult, number: int | None) -> Tag:
        last_px = None if face.track_id is None else self._text_px.get(face.track_id)
        text_px = tag_text_px(pen.text_px, face.box, last_px)
        return Tag.of_face(pen, face, number, text_px)

    def _wish(self, pen: Pen, tag: Tag, face: FaceResult, now_s: float) -> Wish:
        held = None if face.track_id is None else self._anchors.get(face.track_id, now_s)
        gap_px = pen.frame_px(face.box)
        return Wish(face.box, tag.sizes_wh(pen), TAG_SPOTS, held, gap_px)

    def _plan(
        self,
        pen: Pen,
        tags: list[Tag],
        wishes: list[Wish],
        obstacles: Sequence[Box],
        now_s: float,
    ) -> TagPlan:
        """Plan with the first form that nearly all faces can have, or else with the last form."""
        held = self._forms.get(_FORM, now_s)
        forms = [form for form in _FORMS[self._style] if held is None or form >= held]
        legend = None
        for form in forms:
            if form >= TagForm.CODE and legend is None:
                around = [*obstacles, *(wish.box for wish in wishes)]
                legend = Legend.plan(pen, [tag.label for tag in tags], around)
            taken = [*obstacles, legend.region] if legend else obstacles
            places = place_tags(wishes, pen.size_wh, obstacles=taken, first_form=form)
            if _are_readable(places, wishes, form):
                break
        if places == [None] and self._style is not TagStyle.COLOR:
            places = [_inside(pen, wishes[0])]
        return TagPlan(form, tags, places, legend)

    def _remember(self, faces: Sequence[FaceResult], plan: TagPlan, now_s: float) -> None:
        self._forms.renew({_FORM: plan.form}, now_s)
        tracked = [
            (face.track_id, tag, place)
            for face, tag, place in zip(faces, plan.tags, plan.places, strict=True)
            if face.track_id is not None
        ]
        self._text_px = {track_id: tag.text_px for track_id, tag, _ in tracked}
        anchors = {track_id: place.anchor for track_id, _, place in tracked if place is not None}
        self._anchors.renew(anchors, now_s)


def _are_readable(places: Sequence[Place | None], wishes: Sequence[Wish], form: TagForm) -> bool:
    """Return whether nearly all tags have this form and, in a crowd, are not too wide."""
    max_sides = _CROWD_MAX_SIDES if len(wishes) >= _CROWD_FROM else math.inf
    n_bad = sum(
        place is None
        or place.form > form
        or place.region.width > max_sides * max(wish.box.width, wish.box.height)
        for place, wish in zip(places, wishes, strict=True)
    )
    return n_bad <= len(wishes) // _ONE_SHORTER_IN


def _inside(pen: Pen, wish: Wish) -> Place | None:
    """Return a place inside the upper edge of a box that leaves no free place in the image.

    Without its tag, an image that is one face would have no label.
    """
    box = wish.box.clip(pen.size_wh)
    for form, (width, height) in enumerate(wish.sizes_wh):
        if width <= box.width and height <= box.height / 3:
            left, top = round(box.x_min), round(box.y_min)
            return Place(Box(left, top, left + width, top + height), form, Spot.ABOVE)
    return None
