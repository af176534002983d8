from pathlib import Path

import numpy as np

from emolens.media.annotated_image_sink import AnnotatedImageSink
from emolens.media.images import write_image

IMAGE = np.full((4, 6, 3), 100, np.uint8)


def test_annotated_images_of_the_same_name_get_numbers(tmp_path: Path) -> None:
    drawings = AnnotatedImageSink(tmp_path / "out", [])
    sources = ["x/a.jpg", "y/a.jpg", "z/A.JPG", "a.gif", "a.png"]
    written = [drawings.write(source, IMAGE).name for source in sources]
    assert written == ["a.jpg", "a-2.jpg", "A-3.JPG", "a.png", "a-2.png"]


def test_beside_inputs_nothing_is_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    write_image(source, IMAGE)
    (tmp_path / "b.png").write_bytes(b"kept")
    drawings = AnnotatedImageSink(tmp_path, [str(source), f"{tmp_path}/b.bmp"])
    assert drawings.write(str(source), IMAGE + 1).name == "a-2.jpg"
    assert drawings.write(f"{tmp_path}/b.bmp", IMAGE).name == "b-2.png"
    assert (tmp_path / "b.png").read_bytes() == b"kept"


def test_results_of_an_earlier_run_are_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        drawings = AnnotatedImageSink(tmp_path / "out", ["a.jpg"])
        assert drawings.write("a.jpg", IMAGE).name == "a.jpg"


def test_the_longest_names_still_fit(tmp_path: Path) -> None:
    drawings = AnnotatedImageSink(tmp_path, [])
    long_name = chr(252) * 125 + ".png"
    names = [drawings.write(f"{folder}/{long_name}", IMAGE).name for folder in "xy"]
    assert len(set(names)) == 2
