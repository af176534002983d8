"""`emolens image` as a script sees it: lines, files, exit codes."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from emolens import IMAGE_TABLE_COLUMNS

NO_FACE = np.full((120, 160, 3), 128, np.uint8)
# A name with everything that breaks naive scripts, and one that is no valid UTF-8.
ODD_NAMES = [
    b"with space.png",
    b'it\'s "quoted".png',
    b"new\nline.png",
    b"caf\xe9.png",
    b"-dash.png",
    b"[red].png",
]


def image_command(*arguments: str | bytes, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", "from emolens.cli.main import run; run()", "image", *arguments],
        capture_output=True,
        check=False,
        cwd=cwd,
    )


def lines(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.decode("ascii").splitlines()]


@pytest.fixture
def folder(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> Path:
    """Good and bad images, in this order."""
    good = cv2.imencode(".jpg", astronaut)[1].tobytes()
    files = {
        "1-good.jpg": good,
        "2-empty.jpg": b"",
        "3-text.jpg": b"not an image",
        "4-truncated.jpg": good[: len(good) // 2],
        "5-no-face.png": cv2.imencode(".png", NO_FACE)[1].tobytes(),
        "6-good.png": cv2.imencode(".png", astronaut)[1].tobytes(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_bad_images_are_reported_and_the_others_go_on(folder: Path) -> None:
    done = image_command(".", "none.jpg", "--jsonl", "-", cwd=folder)
    assert done.returncode == 2, done.stderr.decode()
    records = lines(done.stdout)
    assert [Path(record["path"]).name for record in records] == [
        *sorted(os.listdir(folder)),
        "none.jpg",
    ]
    codes = [record["error"] and record["error"]["code"] for record in records]
    assert codes == [
        None,
        "empty_file",
        "unsupported_format",
        "damaged_image",
        None,
        None,
        "not_found",
    ]
    assert [[face["label"] for face in record["faces"]] for record in records] == [
        ["happy"],
        [],
        [],
        [],
        [],
        ["happy"],
        [],
    ]
    assert [record["width"] for record in records] == [512, None, None, None, 160, 512, None]


def test_a_record_has_the_keys_of_the_contract(folder: Path) -> None:
    done = image_command("1-good.jpg", "--jsonl", "-", cwd=folder)
    assert done.returncode == 0
    (record,) = lines(done.stdout)
    assert list(record) == ["path", "width", "height", "error", "faces"]
    (face,) = record["faces"]
    assert list(face["probabilities"]) == [
        "angry",
        "disgust",
        "fear",
        "happy",
        "sad",
        "surprise",
        "neutral",
    ]
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert 0 < face["detection_score"] <= 1
    assert face["assessable"] is True
    assert face["reasons"] == []


def test_odd_names_survive(tmp_path: Path) -> None:
    encoded = cv2.imencode(".png", NO_FACE)[1].tobytes()
    for name in ODD_NAMES:
        (tmp_path / os.fsdecode(name)).write_bytes(encoded)
    arguments = [b"./" + name for name in ODD_NAMES]
    done = image_command(*arguments, "--jsonl", "-", "--annotated", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert [os.fsencode(record["path"]) for record in lines(done.stdout)] == arguments
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == sorted(ODD_NAMES)
    table = image_command(".", cwd=tmp_path)
    assert table.returncode == 0, table.stderr.decode()
    assert b"[red].png" in table.stdout


def test_json_lines_go_to_a_file_and_images_to_a_folder(folder: Path) -> None:
    done = image_command(
        "1-good.jpg",
        "5-no-face.png",
        "--jsonl",
        "new/out.jsonl",
        "--annotated",
        "drawn",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert len(lines((folder / "new/out.jsonl").read_bytes())) == 2
    assert sorted(os.listdir(folder / "drawn")) == ["1-good.jpg", "5-no-face.png"]
    assert b"happy" in done.stdout
    assert b"no face detected" in done.stdout


def test_an_image_counts_once_and_copies_keep_their_folders(folder: Path) -> None:
    (folder / "sub").mkdir()
    for name in ("1-good.jpg", "sub/1-good.jpg"):
        (folder / name).write_bytes((folder / "1-good.jpg").read_bytes())
    arguments = ["1-good.jpg", "./1-good.jpg", "1-*.jpg", "sub", "--annotated", "drawn"]
    for run in (0, 1):
        done = image_command(*arguments, cwd=folder)
        said = done.stderr.decode()
        assert done.returncode == 0, said
        assert said.count("left out 2 images given twice") == 1
        assert "images: 2, faces: 2, failed: 0" in said
        assert ("drawn: replaced 2 existing images" in said) == bool(run)
    drawn = [path for path in (folder / "drawn").rglob("*") if path.is_file()]
    assert {str(path.relative_to(folder / "drawn")) for path in drawn} == {
        "1-good.jpg",
        "sub/1-good.jpg",
    }


def test_a_table_has_every_face_and_every_image(folder: Path) -> None:
    done = image_command(
        ".", "none.jpg", "--table", "new/a.csv", "--table", "a.parquet", cwd=folder
    )
    assert done.returncode == 2, done.stderr.decode()
    with (folder / "new/a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(IMAGE_TABLE_COLUMNS)
    assert [(Path(row["path"]).name, row["face"], row["label"], row["error"]) for row in rows] == [
        ("1-good.jpg", "1", "happy", ""),
        ("2-empty.jpg", "", "", "empty_file"),
        ("3-text.jpg", "", "", "unsupported_format"),
        ("4-truncated.jpg", "", "", "damaged_image"),
        ("5-no-face.png", "", "", ""),
        ("6-good.png", "1", "happy", ""),
        ("none.jpg", "", "", "not_found"),
    ]
    assert pq.read_table(folder / "a.parquet").num_rows == len(rows)


def test_the_bytes_of_an_image_on_standard_input(folder: Path) -> None:
    command = [sys.executable, "-m", "emolens", "image", "-", "--jsonl", "-"]
    with (folder / "1-good.jpg").open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    (record,) = lines(done.stdout)
    assert (record["path"], record["faces"][0]["label"]) == ("-", "happy")
    leader, follower = os.openpty()
    done = subprocess.run(command, stdin=follower, capture_output=True, check=False, timeout=60)
    os.close(leader)
    os.close(follower)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"standard input is a terminal" in done.stderr


def test_quiet_says_nothing_but_errors(folder: Path) -> None:
    done = image_command("1-good.jpg", "2-empty.jpg", "--quiet", cwd=folder)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().count("\n") == 1


def test_face_crops_need_no_detector(folder: Path, gray_faces: npt.NDArray[np.uint8]) -> None:
    cv2.imwrite(str(folder / "crop.png"), gray_faces[0])
    done = image_command("crop.png", "--face-crops", "--jsonl", "-", cwd=folder)
    (face,) = lines(done.stdout)[0]["faces"]
    assert face["box"] == [0, 0, 48, 48]
    assert face["detection_score"] is None


def test_the_same_images_give_the_same_bytes(folder: Path) -> None:
    first, second = (image_command(".", "--jsonl", "-", cwd=folder) for _ in range(2))
    assert first.stdout == second.stdout


def test_output_that_cannot_be_written_ends_with_1(folder: Path) -> None:
    (folder / "file").write_bytes(b"")
    done = image_command("1-good.jpg", "--jsonl", "file/out.jsonl", cwd=folder)
    assert done.returncode == 1
    assert b"cannot write" in done.stderr


def coded_heic(image: npt.NDArray[np.uint8]) -> bytes:
    from tests.unit.imaging.heif_files import heic, irot

    return heic(np.ascontiguousarray(np.rot90(image)), irot(3))


@pytest.fixture
def mixed(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> Path:
    """One image in every format that is read, others that are not, and what lies beside them."""
    from PIL import Image

    rgb = Image.fromarray(np.ascontiguousarray(astronaut[..., ::-1]))
    for name in ("a.PNG", "b.avif", "c.ppm", "d.jfif", "behind/e.tif", "own/f.JPE"):
        (tmp_path / "away" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        place = "away" if name.startswith("behind") else "root"
        rgb.save(tmp_path / place / name)
    (tmp_path / "root/behind").rmdir()
    (tmp_path / "root/behind").symlink_to("../away/behind")
    (tmp_path / "root/own/up").symlink_to("..")
    (tmp_path / "root/own/gone").symlink_to("nowhere")
    (tmp_path / "root/g.heic").write_bytes(coded_heic(astronaut))
    # Names that say something else than the bytes.
    (tmp_path / "root/h.jpg").write_bytes(coded_heic(astronaut))
    others = {
        "i.jp2": b"\0\0\0\x0cjP  \r\n\x87\n",
        "j.CR2": b"II*\0\x10\0\0\0CR\2\0",
        "k.mov": b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
        "l.jpg": b"%PDF-1.7",
        "readme.txt": b"words",
        ".DS_Store": b"x",
        "Thumbs.db": b"x",
        "g.xmp": b"<x:xmpmeta/>",
    }
    for name, content in others.items():
        (tmp_path / "root" / name).write_bytes(content)
    return tmp_path / "root"


def test_every_file_of_a_folder_is_read_or_reported_or_counted(mixed: Path) -> None:
    done = image_command("root", "--jsonl", "-", cwd=mixed.parent)
    assert done.returncode == 2, done.stderr.decode()
    records = {record["path"]: record for record in lines(done.stdout)}
    read = ["a.PNG", "b.avif", "behind/e.tif", "c.ppm", "d.jfif", "g.heic", "h.jpg", "own/f.JPE"]
    failed = dict.fromkeys(("i.jp2", "j.CR2", "k.mov", "l.jpg"), "unsupported_format")
    failed["own/gone"] = "not_found"
    assert list(records) == sorted(f"root/{name}" for name in (*read, *failed))
    for name in read:
        record = records[f"root/{name}"]
        assert (record["width"], record["height"]) == (512, 512)
        assert [face["label"] for face in record["faces"]] == ["happy"]
    for name, code in failed.items():
        assert records[f"root/{name}"]["error"]["code"] == code
    messages = {name: records[f"root/{name}"]["error"]["message"] for name in failed}
    assert "camera raw file" in messages["j.CR2"]
    assert "Export it as JPEG or TIFF" in messages["j.CR2"]
    assert "Use `emolens video`" in messages["k.mov"]
    assert "link to 'nowhere'" in messages["own/gone"]
    said = done.stderr.decode()
    assert "left out 4 other files: 2 hidden, 1 .xmp, 1 .txt" in said
    assert all(said.count(f"root/{name}") == 1 for name in failed)


def test_a_folder_of_files_that_are_not_read_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.CR2").write_bytes(b"II*\0\x10\0\0\0CR\2\0")
    (tmp_path / "in/b.svg").write_bytes(b"<svg/>")
    done = image_command("in", "--jsonl", "-", cwd=tmp_path)
    assert done.returncode == 2
    assert [record["error"]["code"] for record in lines(done.stdout)] == ["unsupported_format"] * 2


def test_a_folder_of_other_files_alone_is_one_input_that_failed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/readme.txt").write_text("words")
    done = image_command("in", "--jsonl", "-", cwd=tmp_path)
    assert done.returncode == 2
    [record] = lines(done.stdout)
    assert record["path"] == "in"
    assert "is a folder without images" in record["error"]["message"]
    assert b"left out 1 other file: 1 .txt" in done.stderr


def test_a_model_of_a_former_name_is_found_with_one_warning(folder: Path) -> None:
    def answer(name: str) -> tuple[bytes, str]:
        arguments = ("1-good.jpg", "1-good.jpg", "--model", name, "--jsonl", "-")
        done = image_command(*arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr.decode()

    (former, said), (present, also_said) = answer("fast"), answer("labels-small")
    assert former == present
    assert said.count("warning: the model 'fast' was replaced by 'labels-small'") == 1
    assert "RenamedModelWarning" not in said
    assert "replaced" not in also_said
