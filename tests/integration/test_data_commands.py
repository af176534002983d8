"""`emolens data info` and `emolens data convert`."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from emolens.datasets.faces import Split
from emolens.datasets.loading import iter_faces, load_faces
from emolens.datasets.readers import affectnet, ck_plus, raf_db
from emolens.testing.layouts.affectnet import write_affectnet_annotations
from emolens.testing.layouts.ck_plus import write_ck_plus_48
from emolens.testing.layouts.raf_db import write_raf_db
from emolens.testing.layouts.samples import draw_samples
from tests.command_line import run_emolens as command

RAF_SPLITS = (Split.TRAIN, Split.TEST)


def info(*sources: str, cwd: Path) -> list[dict[str, Any]]:
    done = command("data", "info", *sources, "--json", "-", cwd=cwd)
    assert done.returncode == 0, done.stderr
    summaries: list[dict[str, Any]] = json.loads(done.stdout)["sources"]
    return summaries


@pytest.fixture
def raf(tmp_path: Path) -> Path:
    """RAF-DB with 14 faces of 100 px to learn from and 14 to test on."""
    drawn = draw_samples(raf_db.SHEET, RAF_SPLITS, size_px=100)
    return write_raf_db(tmp_path / "raf", drawn)


@pytest.fixture
def broken_raf(raf: Path) -> Path:
    """The same, with two images of the training split missing."""
    for number in (3, 4):
        (raf / f"basic/Image/aligned/train_0000{number}_aligned.jpg").unlink()
    return raf


def left_behind(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"raf"}


def test_faults_stop_counting_or_are_counted(broken_raf: Path) -> None:
    folder = broken_raf.parent
    stopped = command("data", "info", "raf", cwd=folder)
    assert stopped.returncode == 1
    assert "line 3: the image" in stopped.stderr
    counted = command("data", "info", "raf", "--skip-damaged", "--json", "a.json", cwd=folder)
    assert counted.returncode == 0, counted.stderr
    assert "skipped, damaged: 2, for example" in counted.stdout
    assert "line 3: the image" in counted.stdout
    [summary] = json.loads((folder / "a.json").read_text())["sources"]
    assert (summary["n_faces"], summary["n_damaged"]) == (26, 2)
    assert len(summary["damaged"]) == 2


def test_warnings_say_what_counts_do_not(raf: Path) -> None:
    folder = raf.parent
    samples = draw_samples(affectnet.SHEET, (Split.TRAIN, Split.VALIDATION))
    write_affectnet_annotations(folder / "net", samples)
    done = command("data", "info", "raf", "net", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "train: 14 of 12,271 published faces of RAF-DB (basic set)" in done.stdout
    assert "test: 14 of 3,068 published faces" in done.stdout
    left_out = "contempt 4, no face 4, none 4, uncertain 4"
    assert f"left out, outside the seven classes: {left_out}" in done.stdout
    assert "subjects" not in done.stdout
    assert "damaged" not in done.stdout


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    """Class folders 0 to 6 with two drawn faces each, in two splits."""
    drawn = draw_samples(raf_db.SHEET, RAF_SPLITS)
    for index, sample in enumerate(drawn):
        assert sample.emotion is not None
        folder = tmp_path / "numbered" / str(sample.split) / str(sample.emotion.index)
        folder.mkdir(parents=True, exist_ok=True)
        content = cv2.imencode(".png", sample.image)[1].tobytes()
        (folder / f"{index}.png").write_bytes(content)
    return tmp_path / "numbered"


def test_every_command_says_in_whose_order_numbers_were_read(numbered: Path) -> None:
    folder, warning = numbered.parent, "are numbers, read in FER2013's order (0 angry, 1 disgust, "
    for arguments in (
        ("data", "info", "numbered", "--json", "a.json"),
        ("data", "audit", "numbered", "--json", "a.json"),
        ("evaluate", "--data", "numbered", "--model", "labels-small", "--json", "a.json"),
    ):
        done = command(*arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert warning in done.stdout
        assert warning in (folder / "a.json").read_text()
        assert command(*arguments[:-2], "-q", cwd=folder).stdout == ""
    done = command("data", "convert", "numbered", "a.parquet", cwd=folder)
    assert warning in done.stderr
    [converted] = info("a.parquet", cwd=folder)
    [kept] = converted["warnings"]
    assert kept.startswith("a.parquet: converted from numbered: the class folders 0, 1, 2, ")


def test_a_conversion_tells_no_one_where_its_source_lies(numbered: Path) -> None:
    done = command("data", "convert", str(numbered), "a.parquet", cwd=numbered.parent)
    assert done.returncode == 0, done.stderr
    assert str(numbered.parent).encode() not in (numbered.parent / "a.parquet").read_bytes()


def test_the_label_map_that_an_error_shows_can_be_pasted(numbered: Path) -> None:
    for split in numbered.iterdir():
        for number in range(6, -1, -1):
            (split / str(number)).rename(split / str(number + 1))
    refused = command("data", "info", "numbered", cwd=numbered.parent)
    assert refused.returncode == 1
    assert "as in RAF-DB" in refused.stderr
    shown = refused.stderr[refused.stderr.index("\n[classes]\n") :]
    (numbered / "label_map.toml").write_text(shown)
    [summary] = info("numbered", cwd=numbered.parent)
    assert (summary["n_faces"], summary["warnings"]) == (28, [])


def test_subjects_are_counted(tmp_path: Path) -> None:
    write_ck_plus_48(tmp_path / "ck", draw_samples(ck_plus.SHEET, (None,), per_class=3))
    done = command("data", "info", "ck", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 subjects" in done.stdout


def test_a_converted_data_set_has_the_same_content(raf: Path) -> None:
    folder = raf.parent
    done = command("data", "convert", "raf", "deep/raf.parquet", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "wrote deep/raf.parquet: 28 faces; left out 0, skipped 0" in done.stderr
    assert done.stdout == ""
    before, after = info("raf", "deep/raf.parquet", cwd=folder)
    assert after["format"] == "parquet"
    for key in ("n_faces", "counts", "min_size_wh", "max_size_wh", "sha256", "labels_sha256"):
        assert before[key] == after[key], key
    assert left_behind(folder / "deep") == {"raf.parquet"}


def test_votes_people_and_faces_without_split_are_kept(
    tmp_path: Path, generated_data: Path
) -> None:
    write_ck_plus_48(tmp_path / "ck", draw_samples(ck_plus.SHEET, (None,), per_class=3))
    for source, name in ((generated_data, "rated.pq"), (tmp_path / "ck", "ck.parquet")):
        done = command("data", "convert", str(source), name, "-q", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout == done.stderr == ""
        pairs = zip(iter_faces(source), iter_faces(tmp_path / name), strict=True)
        for before, after in pairs:
            assert (before.image == after.image).all()
            assert (before.emotion, before.split) == (after.emotion, after.split)
            assert (before.votes, before.subject) == (after.votes, after.subject)
    rated, written = info(str(generated_data), "rated.pq", cwd=tmp_path)
    assert rated["votes_sha256"] == written["votes_sha256"] != {}


def test_faces_are_brought_to_the_side_asked_for(raf: Path) -> None:
    folder = raf.parent
    arguments = ("data", "convert", "raf", "small.parquet", "--size-px", "48")
    assert command(*arguments, cwd=folder).returncode == 0
    [small] = info("small.parquet", cwd=folder)
    assert small["min_size_wh"] == small["max_size_wh"] == [48, 48]
    for split in RAF_SPLITS:
        before, after = (load_faces(folder / name, split) for name in ("raf", "small.parquet"))
        assert before.sha256 == after.sha256
    refused = command(*arguments[:-1], "8", cwd=folder)
    assert refused.returncode == 1
    assert "--size-px" in refused.stderr


def test_faces_of_other_classes_are_left_out_and_counted(tmp_path: Path) -> None:
    samples = draw_samples(affectnet.SHEET, (Split.TRAIN, Split.VALIDATION))
    write_affectnet_annotations(tmp_path / "net", samples)
    done = command("data", "convert", "net", "net.parquet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "28 faces; left out 16, skipped 0" in done.stderr
    assert len(pq.read_table(tmp_path / "net.parquet")) == 28


def test_faults_stop_the_conversion_and_leave_nothing(broken_raf: Path) -> None:
    folder = broken_raf.parent
    (folder / "raf.parquet").write_bytes(b"an older one")
    done = command("data", "convert", "raf", "raf.parquet", cwd=folder)
    assert done.returncode == 1
    assert "line 3: the image" in done.stderr
    assert left_behind(folder) == {"raf.parquet"}
    assert (folder / "raf.parquet").read_bytes() == b"an older one"


def test_faults_may_be_skipped_and_end_with_2(broken_raf: Path) -> None:
    folder = broken_raf.parent
    done = command("data", "convert", "raf", "raf.parquet", "--skip-damaged", cwd=folder)
    assert done.returncode == 2
    assert "line 3: the image" in done.stderr
    assert "line 4: the image" in done.stderr
    assert "26 faces; left out 0, skipped 2" in done.stderr
    assert len(pq.read_table(folder / "raf.parquet")) == 26
    assert left_behind(folder) == {"raf.parquet"}


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        ("raf", "raf.csv", "'raf.csv': the suffix is '.csv'; allowed: .parquet, .pq"),
        ("raf", "raf", "'raf': the name has no suffix; allowed: .parquet, .pq"),
        ("gone", "raf.parquet", "gone: no such file or folder"),
        ("empty.csv", "raf.parquet", "empty.csv: contains no faces"),
        ("raf", "folder.parquet", "it is a folder. Give the name of a file."),
    ],
)
def test_what_cannot_be_converted_is_said_and_leaves_nothing(
    raf: Path, source: str, out: str, message: str
) -> None:
    folder = raf.parent
    (folder / "empty.csv").write_text("emotion,pixels,Usage\n")
    (folder / "folder.parquet").mkdir()
    done = command("data", "convert", source, out, cwd=folder)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert left_behind(folder) == {"empty.csv", "folder.parquet"}


def test_a_data_set_may_be_converted_in_its_own_place(generated_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "faces.parquet"
    pq.write_table(pq.read_table(generated_data).slice(0, 20), path)
    before = load_faces(path).sha256
    done = command("data", "convert", "faces.parquet", "faces.parquet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert load_faces(path).sha256 == before
    assert "subject" in pq.read_table(path).column_names


def class_folders(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((48, 48), 90, np.uint8)).save(root / name)


def test_faces_count_whatever_their_suffix(tmp_path: Path) -> None:
    names = ["a.jfif", "b.JPG", "c.jpe", "d.webp", "e.TIF", "f.avif", "g.pgm", "h.bmp"]
    class_folders(tmp_path / "faces", *(f"happy/{name}" for name in names))
    (tmp_path / "faces/happy/h.bmp").rename(tmp_path / "faces/happy/no suffix")
    (tmp_path / "faces/happy/warnings.txt").write_text("words")
    class_folders(tmp_path / "faces", "outside.png")
    class_folders(tmp_path, "elsewhere/a.png")
    (tmp_path / "faces/sad").symlink_to(tmp_path / "elsewhere")
    [summary] = info("faces", cwd=tmp_path)
    assert summary["counts"]["unknown"]["happy"] == 8
    assert summary["counts"]["unknown"]["sad"] == 1
    assert summary["warnings"] == [
        "faces: left out 1 other file: 1 .txt",
        "faces: left out 1 images outside the class folders",
    ]


def test_a_file_of_a_kind_that_is_not_read_is_told(tmp_path: Path) -> None:
    class_folders(tmp_path / "faces", "happy/a.png")
    (tmp_path / "faces/happy/b.CR2").write_bytes(b"II*\0\x10\0\0\0CR\2\0")
    stopped = command("data", "info", "faces", cwd=tmp_path)
    assert stopped.returncode == 1
    assert "b.CR2" in stopped.stderr
    assert "Export it as JPEG or TIFF" in stopped.stderr
    counted = command("data", "info", "faces", "--skip-damaged", cwd=tmp_path)
    assert counted.returncode == 0
    assert "skipped, damaged: 1" in counted.stdout


@pytest.mark.parametrize("arguments", [["info"], ["audit"], ["convert"]])
def test_nothing_is_an_error(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "faces/happy").mkdir(parents=True)
    (tmp_path / "faces/happy/warnings.txt").write_text("words")
    out = ["out.parquet"] if arguments == ["convert"] else []
    done = command("data", *arguments, "faces", *out, cwd=tmp_path)
    assert done.returncode == 1
    assert "faces: contains no faces: faces: left out 1 other file: 1 .txt" in done.stderr
    assert not (tmp_path / "out.parquet").exists()


def test_a_class_folder_behind_a_broken_link_is_told(tmp_path: Path) -> None:
    class_folders(tmp_path / "faces", "happy/a.png")
    (tmp_path / "faces/sad").symlink_to("nowhere")
    done = command("data", "info", "faces", cwd=tmp_path)
    assert done.returncode == 1
    assert "sad: is a link to 'nowhere', which does not exist" in done.stderr
