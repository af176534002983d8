import struct
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from emolens.core.errors import (
    DamagedImageError,
    EmolensError,
    EmptyFileError,
    ImageTooLargeError,
    InputError,
    InputNotFoundError,
    UnsupportedFormatError,
)
from emolens.imaging import decode
from emolens.imaging.decode import decode_image, read_image
from tests.unit.imaging.heif_files import HeifFile, ispe
from tests.unit.imaging.images import chunk, draw, encode, pillow, sample_files

SAMPLES = sample_files()
LOSSLESS = ("png", "webp lossless", "bmp", "tiff", "tiff lzw", "tiff deflate", "tiff big", "ppm")
FUZZ = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
# What a still image is stored as, so that EXIF orientation 1..8 turns it upright again.
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_decodes_to_a_read_only_bgr_image(name: str) -> None:
    image = decode_image(SAMPLES[name]).image
    assert image.shape == (40, 56, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert not image.flags.writeable


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_give_the_very_pixels(name: str) -> None:
    assert (decode_image(SAMPLES[name]).image == draw()).all()


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        *(("jpeg", 4), ("jpeg cmyk", 2), ("webp", 5), ("gif", 5), ("tiff cmyk", 1)),
        *(("heic", 6), ("heic 10 bit", 6), ("heic tiles", 2), ("avif", 6)),
    ],
)
def test_other_colour_formats_come_close(name: str, tolerance: float) -> None:
    difference = np.abs(decode_image(SAMPLES[name]).image.astype(int) - draw())
    assert difference.mean() < tolerance


@pytest.mark.parametrize("name", ["png 16 bit", "tiff 16 bit", "pgm 16 bit"])
def test_16_bit_values_are_scaled_not_clipped(name: str) -> None:
    gray = np.asarray(pillow(draw()).convert("L"))
    assert (decode_image(SAMPLES[name]).image == gray[..., None]).all()


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("gif animated", "only the first of 3 frames is used"),
        ("webp animated", "only the first of 3 frames is used"),
        ("png animated", "only the first of 3 frames is used"),
        ("tiff pages", "only the first of 3 pages is used"),
        ("avif animated", "only the first of 3 frames is used"),
    ],
)
def test_of_several_images_the_first_is_taken_and_a_note_says_so(name: str, note: str) -> None:
    decoded = decode_image(SAMPLES[name])
    assert decoded.warnings == (note,)
    assert np.abs(decoded.image.astype(int) - draw()).mean() < 6


@pytest.mark.parametrize(
    "name", [*("jpeg", "png", "gif", "webp", "bmp", "tiff"), *("heic", "avif", "ppm")]
)
def test_a_still_image_has_no_notes(name: str) -> None:
    assert decode_image(SAMPLES[name]).warnings == ()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_all_orientations_give_the_same_image(format_name: str, orientation: int) -> None:
    # Blocks of 16 px: JPEG stores them alike in every orientation.
    upright = np.kron(draw(4, 6), np.ones((16, 16, 1), np.uint8)).astype(np.uint8)
    turn = STORED_AS[orientation]
    stored = pillow(upright) if turn is None else pillow(upright).transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, object] = {"exif": exif}
    if format_name in {"JPEG", "AVIF"}:
        options |= {"quality": 100, "subsampling": "4:4:4"}
    if format_name == "WEBP":
        options["lossless"] = True
    image = decode_image(encode(stored, format_name, **options)).image
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).max() <= (
        3 if format_name in {"JPEG", "AVIF"} else 0
    )


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "TIFF", "BMP"])
def test_a_density_that_differs_across_and_down_changes_nothing(format_name: str) -> None:
    decoded = decode_image(encode(pillow(draw()), format_name, dpi=(72, 144)))
    assert decoded.image.shape == draw().shape
    assert decoded.warnings == ()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_cut_anywhere_is_refused(name: str) -> None:
    encoded = SAMPLES[name]
    # The last page's directory ends with bytes that say "no more pages".
    complete = len(encoded) - 2 if name == "tiff pages" else len(encoded)
    cuts = {*range(0, complete, 61), *range(40), *range(complete - 40, complete)}
    for length in cuts:
        with pytest.raises(InputError):
            decode_image(encoded[:length])


@pytest.mark.parametrize(
    "name", [*("jpeg", "png", "gif", "webp", "bmp", "tiff"), *("heic", "avif", "ppm")]
)
def test_bytes_after_the_image_do_not_matter(name: str) -> None:
    encoded = SAMPLES[name]
    assert (decode_image(encoded + bytes(100)).image == decode_image(encoded).image).all()


@pytest.mark.parametrize(
    "name",
    [*("jpeg", "jpeg progressive", "png", "gif", "webp", "bmp", "tiff"), *("heic", "avif", "ppm")],
)
def test_refusals_print_nothing(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DamagedImageError):
        decode_image(SAMPLES[name][: len(SAMPLES[name]) * 2 // 3])
    assert capfd.readouterr() == ("", "")


@FUZZ
@given(
    head=st.sampled_from([encoded[:30] for encoded in SAMPLES.values()]),
    n_kept=st.integers(0, 30),
    tail=st.binary(max_size=200),
)
def test_random_bytes_raise_nothing_but_our_errors(head: bytes, n_kept: int, tail: bytes) -> None:
    with suppress(EmolensError):
        decode_image(head[:n_kept] + tail, max_pixels=1_000_000)


@settings(parent=FUZZ, max_examples=600)
@given(
    name=st.sampled_from(sorted(SAMPLES)),
    changes=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 120), st.integers(0, 1 << 16)),
            st.one_of(st.binary(max_size=4), st.just(b"\xff\xff\xff\xff"), st.just(bytes(4))),
            st.integers(0, 8),
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_changed_files_raise_nothing_but_our_errors(
    name: str, changes: list[tuple[int, bytes, int]]
) -> None:
    encoded = bytearray(SAMPLES[name])
    for place, inserted, n_removed in changes:
        start = place % (len(encoded) + 1)
        encoded[start : start + n_removed] = inserted
    with suppress(EmolensError):
        assert decode_image(bytes(encoded), max_pixels=1_000_000).image.ndim == 3


def _huge_heif(brand: bytes, coding: bytes, side: int) -> bytes:
    file = HeifFile(brand)
    file.add(coding, b"x", ispe(side, side))
    return file.encoded()


def _huge_headers() -> dict[str, bytes]:
    side = 20_000
    jpeg = b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, side, side, 3) + bytes(9)
    header = struct.pack(">LLBBBBB", side, side, 8, 2, 0, 0, 0)
    bmp = struct.pack("<2sLHHLLllHHL", b"BM", 0, 0, 0, 54, 40, side, side, 1, 24, 0) + bytes(20)
    canvas = (side - 1).to_bytes(3, "little") * 2
    webp = b"RIFF" + struct.pack("<L", 22) + b"WEBPVP8X" + struct.pack("<LL", 10, 0) + canvas
    entries = struct.pack("<HHHLLHHLL", 2, 256, 4, 1, side, 257, 4, 1, side)
    return {
        "JPEG": jpeg,
        "PNG": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header),
        "BMP": bmp,
        "GIF": b"GIF89a" + struct.pack("<HH", side, side) + bytes(3),
        "WebP": webp,
        "TIFF": b"II*\0" + struct.pack("<L", 8) + entries + bytes(4),
        "HEIC": _huge_heif(b"heic", b"hvc1", side),
        "AVIF": _huge_heif(b"avif", b"av01", side),
        "PNM": b"P6 %d %d 255\n" % (side, side),
    }


@pytest.mark.parametrize("name", decode.FORMATS)
def test_a_huge_image_is_refused_before_memory_is_used(name: str) -> None:
    encoded = _huge_headers()[name]
    tracemalloc.start()
    with pytest.raises(ImageTooLargeError, match=r"20000 x 20000 px.*allowed: up to 100,000,000"):
        decode_image(encoded)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_the_pixel_limit_is_exact() -> None:
    assert decode_image(SAMPLES["png"], max_pixels=40 * 56).image.shape == (40, 56, 3)
    with pytest.raises(ImageTooLargeError, match=r"raise max_pixels \(--max-megapixels\)"):
        decode_image(SAMPLES["png"], max_pixels=40 * 56 - 1)


def test_no_bytes_are_an_empty_file() -> None:
    with pytest.raises(EmptyFileError, match="0 bytes"):
        decode_image(b"")


@pytest.mark.parametrize(
    "encoded",
    [b"just some words", b"<svg/>", b"%PDF-1.7", b"\0\0\0\x18ftypisom", b"RIFF\0\0\0\0WAVE"],
)
def test_other_files_are_refused_with_the_list_of_formats(encoded: bytes) -> None:
    with pytest.raises(
        UnsupportedFormatError, match="JPEG, PNG, BMP, GIF, WebP, TIFF, HEIC, AVIF, PNM"
    ):
        decode_image(encoded)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="of type str; allowed: bytes"):
        decode_image("photo.jpg")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="max_pixels"):
        decode_image(SAMPLES["png"], max_pixels=0)
    with pytest.raises(InputError, match="path"):
        read_image(7)  # type: ignore[arg-type]


def test_threads_decode_alike() -> None:
    names = list(SAMPLES) * 4
    expected = {name: decode_image(SAMPLES[name]).image for name in SAMPLES}
    with ThreadPoolExecutor(4) as pool:
        decoded = list(pool.map(lambda name: decode_image(SAMPLES[name]).image, names))
    assert all((expected[name] == image).all() for name, image in zip(names, decoded, strict=True))


@pytest.mark.parametrize(
    "name", ["with space.jpg", 'it\'s "quoted".png', "two\nlines.txt", "caf\udce9.jpg", "none"]
)
def test_a_file_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(SAMPLES["png"])
    assert (read_image(file).image == draw()).all()
    assert (read_image(str(file)).image == draw()).all()


def test_a_refused_file_is_named_in_printable_letters(tmp_path: Path) -> None:
    file = tmp_path / "caf\udce9\n.jpg"
    file.write_bytes(b"only text")
    with pytest.raises(
        UnsupportedFormatError, match=r"caf\\udce9\\n\.jpg.*allowed: JPEG"
    ) as caught:
        read_image(file)
    str(caught.value).encode("utf-8")
    file.write_bytes(SAMPLES["jpeg"][:500])
    with pytest.raises(DamagedImageError, match=r"caf\\udce9"):
        read_image(file)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.jpg", "a\0b", tmp_path / "file" / "below"):
        (tmp_path / "file").write_bytes(b"x")
        with pytest.raises(InputNotFoundError, match="does not exist") as caught:
            read_image(path)
        assert isinstance(caught.value, FileNotFoundError)
    with pytest.raises(InputError, match="is a folder"):
        read_image(tmp_path)
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(EmptyFileError, match=r"empty\.jpg"):
        read_image(tmp_path / "empty.jpg")


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(5, "I/O error")]
)
def test_unreadable_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputNotFoundError, match=error.strerror):
        read_image(tmp_path / "x.jpg")


def test_an_endless_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(decode, "MAX_FILE_BYTES", 5_000)
    (tmp_path / "x.bmp").write_bytes(SAMPLES["bmp"])
    with pytest.raises(ImageTooLargeError, match="larger than 5,000 bytes.*max_pixels"):
        read_image(tmp_path / "x.bmp")
    # A file of more pixels may have more bytes.
    assert (read_image(tmp_path / "x.bmp", max_pixels=2 * decode.MAX_PIXELS).image == draw()).all()
