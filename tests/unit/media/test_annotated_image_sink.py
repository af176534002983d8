from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.errors import OutputError
from emolens.media.annotated_image_sink import AnnotatedImageSink
from emolens.media.images import write_image

IMAGE = np.full((4, 6, 3), 100, np.uint8)


def written(sink: AnnotatedImageSink, folder: Path, *sources: str) -> list[str]:
    return [str(sink.write(source, IMAGE).path.relative_to(folder)) for source in sources]


def test_inputs_keep_their_folders_below_the_root(tmp_path: Path) -> None:
    out, root = tmp_path / "out", tmp_path / "root"
    sources = [f"{root}/a.jpg", f"{root}/sub/a.jpg", f"{root}/sub/deep/a.gif"]
    for given in (root, None):
        sink = AnnotatedImageSink(out, sources, root=given)
        assert written(sink, out, *sources) == ["a.jpg", "sub/a.jpg", "sub/deep/a.png"]
    # A root above all inputs keeps the folders that they share, too.
    sink = AnnotatedImageSink(out, sources[1:], root=root)
    assert written(sink, out, *sources[1:]) == ["sub/a.jpg", "sub/deep/a.png"]
    sink = AnnotatedImageSink(out, sources[1:])
    assert written(sink, out, *sources[1:]) == ["a.jpg", "deep/a.png"]


def test_paths_are_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    sources = ["a.jpg", "./b.jpg", "../other/a.jpg", "sub/../c.jpg"]
    sink = AnnotatedImageSink(tmp_path / "out", sources)
    assert written(sink, tmp_path / "out", *sources) == [
        "here/a.jpg",
        "here/b.jpg",
        "other/a.jpg",
        "here/c.jpg",
    ]


def test_images_of_the_same_name_get_numbers(tmp_path: Path) -> None:
    out = tmp_path / "out"
    sources = ["x/a.jpg", "x/A.JPG", "x/a.gif", "x/a.png", "y/a.gif"]
    sink = AnnotatedImageSink(out, sources)
    assert written(sink, out, *sources) == [
        "x/a.jpg",
        "x/A-2.JPG",
        "x/a.png",
        "x/a-2.png",
        "y/a.png",
    ]


def test_nothing_is_written_outside_the_folder(tmp_path: Path) -> None:
    out, away = tmp_path / "out", tmp_path / "away"
    for folder in (out, away):
        folder.mkdir()
    (out / "sub").symlink_to(away)
    (out / "b.jpg").symlink_to(away / "b.jpg")
    root = tmp_path / "root"
    sources = [f"{root}/sub/a.jpg", f"{root}/sub/deep/a.jpg", f"{root}/b.jpg", f"{root}/../c.jpg"]
    sink = AnnotatedImageSink(out, sources, root=root)
    for source in sources[:2]:
        with pytest.raises(OutputError, match="a link leads out of"):
            sink.write(source, IMAGE)
    assert written(sink, out, *sources[2:]) == ["b-2.jpg", "c.jpg"]
    assert list(away.iterdir()) == []


def test_beside_inputs_nothing_is_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    write_image(source, IMAGE)
    (tmp_path / "b.png").write_bytes(b"kept")
    sink = AnnotatedImageSink(tmp_path, [str(source), f"{tmp_path}/b.bmp"])
    assert sink.write(str(source), IMAGE + 1).path.name == "a-2.jpg"
    assert sink.write(f"{tmp_path}/b.bmp", IMAGE).path.name == "b-2.png"
    assert (tmp_path / "b.png").read_bytes() == b"kept"


def test_no_input_in_a_subfolder_is_overwritten(tmp_path: Path) -> None:
    sources = [f"{tmp_path}/a.png", f"{tmp_path}/sub/a.png"]
    for source in sources:
        Path(source).parent.mkdir(exist_ok=True)
        write_image(source, IMAGE)
    sink = AnnotatedImageSink(tmp_path, sources)
    assert written(sink, tmp_path, *sources) == ["a-2.png", "sub/a-2.png"]


def test_images_of_an_earlier_run_are_replaced_and_this_is_reported(tmp_path: Path) -> None:
    for run, value in enumerate((100, 50)):
        sink = AnnotatedImageSink(tmp_path / "out", ["in/a.png"])
        found = sink.write("in/a.png", IMAGE - 100 + value)
        assert (found.path.name, found.is_replaced) == ("a.png", run == 1)
        read = cv2.imread(str(found.path))
        assert read is not None
        assert (read == value).all()


def test_the_longest_names_still_fit(tmp_path: Path) -> None:
    sink = AnnotatedImageSink(tmp_path, [])
    long_name = chr(252) * 125 + ".png"
    paths = {sink.write(f"{folder}/{long_name}", IMAGE).path for folder in "xy"}
    assert len(paths) == 2
