"""What every reader of a published data set keeps to, on drawn faces in its authors' layout."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.formats import PUBLISHED, SourceFormat, find_format
from emolens.datasets.loading import UNKNOWN_SPLIT, iter_faces
from emolens.datasets.readers.ck_plus_sequences import SHEET as CK_PLUS_SHEET
from emolens.datasets.readers.ferplus import FACE_FOLDERS, LIST_NAME
from emolens.datasets.reading import ReadingReport
from emolens.datasets.sheet import DataSheet
from emolens.datasets.summary import summarize
from emolens.testing.layouts.affectnet import write_affectnet_annotations, write_affectnet_lists
from emolens.testing.layouts.ck_plus import write_ck_plus, write_ck_plus_48
from emolens.testing.layouts.expw import write_expw
from emolens.testing.layouts.ferplus import write_ferplus, write_ferplus_images
from emolens.testing.layouts.jaffe import write_jaffe
from emolens.testing.layouts.raf_db import write_raf_db
from emolens.testing.layouts.samples import DrawnSample, draw_samples

# Of 255 grey levels, in the mean; two drawn faces differ by several times as much.
_JPEG_ERROR = 3.0

Writer = Callable[[Path, Sequence[DrawnSample]], Path]


def in_text(name: str, pattern: str, damaged: str) -> Callable[[Path], None]:
    """Replaces the first match of a pattern in a list."""

    def damage(folder: Path) -> None:
        file = folder / name
        text, n_found = re.subn(pattern, damaged, file.read_text(), count=1, flags=re.MULTILINE)
        assert n_found == 1
        file.write_text(text)

    return damage


def in_npy(name: str, damaged: str) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, np.array(damaged))


@dataclass(frozen=True, slots=True)
class Layout:
    """A published layout.

    Attributes:
        format: What it must be recognised as.
        write: Writes it.
        images: Its splits, and a pattern for the image files of each; "" where it has none.
        damage_label: Turns one label, of a face of the seven classes, into 99.
        lists: Files and folders that are missed by name when they are gone.
        sheet: What to draw, where the format's own sheet has other codes.
    """

    format: SourceFormat
    write: Writer
    images: Mapping[Split | None, str]
    damage_label: Callable[[Path], None] | None
    lists: tuple[str, ...] = ()
    sheet: DataSheet | None = field(default=None)

    def samples(self) -> list[DrawnSample]:
        return draw_samples(self.sheet or PUBLISHED[self.format].sheet, tuple(self.images))


_RAF_LIST = "basic/EmoLabel/list_patition_label.txt"
_AFFECTNET_LISTS = "Manually_Annotated_file_lists"
# A sequence of CK+ starts with a neutral face: one for each of its seven other classes.
_FIRST_FRAMES = [CK_PLUS_SHEET.class_of("0", "")] * 6
LAYOUTS = {
    "raf-db": Layout(
        SourceFormat.RAF_DB,
        write_raf_db,
        {
            Split.TRAIN: "basic/Image/aligned/train_*.jpg",
            Split.TEST: "basic/Image/aligned/test_*.jpg",
        },
        in_text(_RAF_LIST, r" 1$", " 99"),
        (_RAF_LIST,),
    ),
    "affectnet lists": Layout(
        SourceFormat.AFFECTNET_LISTS,
        write_affectnet_lists,
        {
            Split.TRAIN: "Manually_Annotated_Images/1/*.jpg",
            Split.VALIDATION: "Manually_Annotated_Images/2/*.jpg",
        },
        in_text(f"{_AFFECTNET_LISTS}/training.csv", r",1,0.25,-0.5$", ",99,0.25,-0.5"),
        (f"{_AFFECTNET_LISTS}/training.csv", f"{_AFFECTNET_LISTS}/validation.csv"),
    ),
    "affectnet annotations": Layout(
        SourceFormat.AFFECTNET_ANNOTATIONS,
        write_affectnet_annotations,
        {Split.TRAIN: "train_set/images/*.jpg", Split.VALIDATION: "val_set/images/*.jpg"},
        in_npy("train_set/annotations/0_exp.npy", "99"),
        ("train_set/annotations", "val_set/annotations"),
    ),
    "expw": Layout(
        SourceFormat.EXPW,
        write_expw,
        {None: "image/origin/*.jpg"},
        in_text("label/label.lst", r" 3$", " 99"),
        ("label/label.lst",),
    ),
    "fer+": Layout(
        SourceFormat.FERPLUS,
        write_ferplus,
        dict.fromkeys(Split, ""),
        in_text("fer2013.csv", r"^0,", "99,"),
    ),
    "fer+ images": Layout(
        SourceFormat.FERPLUS_IMAGES,
        write_ferplus_images,
        {split: f"{name}/*.png" for split, name in FACE_FOLDERS.items()},
        in_text(LIST_NAME, r",7,3,0", ",99,3,0"),
        (LIST_NAME,),
    ),
    "ck+": Layout(
        SourceFormat.CK_PLUS,
        write_ck_plus,
        {None: "cohn-kanade-images/*/*/*.png"},
        damage_label=None,  # loses all faces of a sequence
        sheet=replace(CK_PLUS_SHEET, classes=(*CK_PLUS_SHEET.classes, *_FIRST_FRAMES)),
    ),
    "ck+ 48 px": Layout(
        SourceFormat.CK_PLUS_48, write_ck_plus_48, {None: "*/*.png"}, damage_label=None
    ),
    "jaffe": Layout(SourceFormat.JAFFE, write_jaffe, {None: "*.tiff"}, damage_label=None),
}


def each(*names: str) -> pytest.MarkDecorator:
    chosen = names or tuple(LAYOUTS)
    return pytest.mark.parametrize("layout", [LAYOUTS[name] for name in chosen], ids=chosen)


EVERY = each()
WITH_IMAGES = each(*(name for name, one in LAYOUTS.items() if all(one.images.values())))
WITH_LISTED_IMAGES = each(
    *(name for name, one in LAYOUTS.items() if all(one.images.values()) and one.lists)
)
WITH_SPLITS = each(
    *(name for name, one in LAYOUTS.items() if all(one.images.values()) and len(one.images) > 1)
)
WITH_LABELS = each(*(name for name, one in LAYOUTS.items() if one.damage_label))
WITH_LISTS = each(*(name for name, one in LAYOUTS.items() if one.lists))


def ours(samples: Sequence[DrawnSample]) -> list[DrawnSample]:
    return [sample for sample in samples if sample.emotion is not None]


def locations(faces: Sequence[FaceSample]) -> list[str]:
    return [face.location for face in faces]


def images_of(source: Path, layout: Layout, split: Split | None) -> list[Path]:
    found = sorted(source.glob(layout.images[split]))
    assert found
    return found


def distance(face: FaceSample, sample: DrawnSample) -> float:
    assert face.image.shape == sample.image.shape
    return float(np.abs(face.image.astype(int) - sample.image.astype(int)).mean())


@EVERY
def test_a_layout_is_recognised_as_its_format_and_no_other(tmp_path: Path, layout: Layout) -> None:
    source = layout.write(tmp_path / "source", layout.samples())

    assert find_format(source) == (layout.format, source)
    assert [name for name, one in PUBLISHED.items() if one.is_one(source)] == [layout.format]


@EVERY
def test_every_face_is_read_once_as_it_was_drawn(tmp_path: Path, layout: Layout) -> None:
    samples = layout.samples()
    source = layout.write(tmp_path / "source", samples)

    faces = list(iter_faces(source))

    remaining = ours(samples)
    for face in faces:
        nearest = min(remaining, key=lambda sample: distance(face, sample))
        assert distance(face, nearest) < _JPEG_ERROR
        assert (face.emotion, face.split) == (nearest.emotion, nearest.split)
        remaining = [sample for sample in remaining if sample is not nearest]
    assert remaining == []
    assert {face.emotion for face in faces} == set(Emotion)
    assert len(set(locations(faces))) == len(faces)
    assert all(face.location.startswith(str(source)) for face in faces)


@EVERY
def test_classes_without_a_place_are_counted_by_name(tmp_path: Path, layout: Layout) -> None:
    samples = layout.samples()
    source = layout.write(tmp_path / "source", samples)
    names = {one.code: one.name for one in (layout.sheet or PUBLISHED[layout.format].sheet).classes}
    report = ReadingReport()

    faces = list(iter_faces(source, report=report))

    assert report.left_out == Counter(
        names[sample.code] for sample in samples if sample.emotion is None
    )
    assert len(faces) + report.left_out.total() == len(samples)
    assert report.n_damaged == 0


@EVERY
def test_reading_twice_gives_the_same(tmp_path: Path, layout: Layout) -> None:
    source = layout.write(tmp_path / "source", layout.samples())

    first, second = list(iter_faces(source)), list(iter_faces(source))

    assert locations(first) == locations(second)
    assert all((a.image == b.image).all() for a, b in zip(first, second, strict=True))


@WITH_SPLITS
def test_a_split_is_read_without_the_images_of_the_others(tmp_path: Path, layout: Layout) -> None:
    source = layout.write(tmp_path / "source", layout.samples())
    everything = list(iter_faces(source))

    for split in layout.images:
        others = [one for one in layout.images if one is not split]
        hidden = [path for other in others for path in images_of(source, layout, other)]
        for path in hidden:
            path.rename(f"{path}.hidden")
        faces = list(iter_faces(source, split))
        for path in hidden:
            Path(f"{path}.hidden").rename(path)

        assert locations(faces) == [face.location for face in everything if face.split is split]


@EVERY
def test_splits_that_it_does_not_have_are_empty(tmp_path: Path, layout: Layout) -> None:
    source = layout.write(tmp_path / "source", layout.samples())

    for split in set(Split) - set(layout.images):
        assert list(iter_faces(source, split)) == []


@WITH_IMAGES
def test_a_damaged_image_is_refused_or_counted(tmp_path: Path, layout: Layout) -> None:
    check_one_bad_image(tmp_path, layout, lambda image: image.write_bytes(image.read_bytes()[:200]))


@WITH_LISTED_IMAGES
def test_a_missing_image_is_refused_or_counted(tmp_path: Path, layout: Layout) -> None:
    check_one_bad_image(tmp_path, layout, Path.unlink)


def check_one_bad_image(folder: Path, layout: Layout, spoil: Callable[[Path], object]) -> None:
    source = layout.write(folder / "source", ours(layout.samples()))
    healthy = list(iter_faces(source))
    image = images_of(source, layout, next(iter(layout.images)))[0]
    spoil(image)
    report = ReadingReport(skip_damaged=True)

    rest = list(iter_faces(source, report=report))

    # An image may show several faces.
    assert report.n_damaged == len(healthy) - len(rest) > 0
    kept = set(locations(rest))
    assert locations(rest) == [place for place in locations(healthy) if place in kept]
    with pytest.raises(DatasetError, match=re.escape(image.name)) as refused:
        list(iter_faces(source))
    assert str(refused.value) == report.damaged[0]
    # Named with its place in a list, where there is one.
    assert any(str(source / name) in report.damaged[0] for name in layout.lists or (".",))


@WITH_LABELS
def test_a_label_outside_the_range_is_refused_or_counted(tmp_path: Path, layout: Layout) -> None:
    source = layout.write(tmp_path / "source", ours(layout.samples()))
    healthy = list(iter_faces(source))
    assert layout.damage_label is not None
    layout.damage_label(source)
    report = ReadingReport(skip_damaged=True)

    rest = list(iter_faces(source, report=report))

    assert report.n_damaged == len(healthy) - len(rest) == 1
    assert set(locations(rest)) < set(locations(healthy))
    with pytest.raises(DatasetError, match="'99'.*expected") as refused:
        list(iter_faces(source))
    assert str(refused.value) == report.damaged[0]
    assert str(refused.value).startswith(str(source))


@WITH_LISTS
def test_a_missing_list_is_named(tmp_path: Path, layout: Layout) -> None:
    for number, name in enumerate(layout.lists):
        source = layout.write(tmp_path / str(number), layout.samples())
        (source / name).rename(tmp_path / f"gone {number}")

        assert find_format(source) == (layout.format, source)
        with pytest.raises(DatasetError, match=re.escape(Path(name).name)):
            list(iter_faces(source, report=ReadingReport(skip_damaged=True)))


@EVERY
def test_the_summary_counts_the_faces(tmp_path: Path, layout: Layout) -> None:
    samples = layout.samples()
    source = layout.write(tmp_path / "source", samples)

    summary = summarize(source)

    assert summary.format_name == layout.format.value
    assert summary.n_faces == len(ours(samples))
    assert {
        (split, label): n_faces
        for split, counts in summary.counts.items()
        for label, n_faces in counts.items()
    } == Counter(
        (sample.split or UNKNOWN_SPLIT, sample.emotion.label)
        for sample in samples
        if sample.emotion is not None
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_sheet_is_complete_and_agrees_with_itself(name: SourceFormat) -> None:
    sheet = PUBLISHED[name].sheet

    assert {one.emotion for one in sheet.classes} >= set(Emotion)
    for values in (
        [one.code for one in sheet.classes],
        [one.name for one in sheet.classes],
    ):
        assert len(set(values)) == len(values)
        assert all(values)
    assert set(sheet.counts) <= {*Split, UNKNOWN_SPLIT}
    for counts in sheet.counts.values():
        assert set(counts) <= {one.name for one in sheet.classes}
        assert all(n_faces > 0 for n_faces in counts.values())
    assert all((sheet.name, sheet.origin, sheet.terms, sheet.images, sheet.layout))
    assert all((sheet.rule, sheet.splits, sheet.known_issues))


def test_every_published_format_is_tried() -> None:
    assert {layout.format for layout in LAYOUTS.values()} == set(PUBLISHED)
