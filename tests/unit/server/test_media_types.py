import pytest

from emolens.core.errors import UnsupportedFormatError
from emolens.imaging.kinds import READABLE, kind_by_content
from emolens.server.media_types import (
    ANY_TYPE,
    IMAGE_TYPES,
    check_media_type,
    media_type_of,
    prefers,
)
from tests.unit.imaging.images import sample_files

SAMPLES = sample_files()
TYPES = {
    "JPEG": ("image/jpeg", "image/jpg", "image/pjpeg"),
    "PNG": ("image/png", "image/apng"),
    "BMP": ("image/bmp", "image/x-ms-bmp"),
    "GIF": ("image/gif",),
    "WebP": ("image/webp",),
    "TIFF": ("image/tiff",),
    "HEIC": ("image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"),
    "AVIF": ("image/avif", "image/avif-sequence", "image/heif"),
    "PNM": (
        *("image/x-portable-anymap", "image/x-portable-bitmap"),
        *("image/x-portable-graymap", "image/x-portable-pixmap"),
    ),
}
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
PDF = b"%PDF-1.7"


def kind_name(encoded: bytes) -> str:
    kind = kind_by_content(encoded)
    assert kind is not None
    return kind.name


@pytest.mark.parametrize("name", SAMPLES)
def test_an_image_may_have_the_types_of_its_format_and_no_other(name: str) -> None:
    encoded = SAMPLES[name]
    own = TYPES[kind_name(encoded)]
    for media_type in own:
        check_media_type(media_type, encoded)
    for media_type in {types[0] for types in TYPES.values()} - set(own):
        with pytest.raises(UnsupportedFormatError) as raised:
            check_media_type(media_type, encoded)
        assert repr(media_type) in str(raised.value)
        assert kind_name(encoded) in str(raised.value)
        assert f"Send the header Content-Type: {own[0]}" in str(raised.value)


def test_heif_may_be_called_by_its_container() -> None:
    for media_type in TYPES["HEIC"]:
        check_media_type(media_type, HEIC)
    with pytest.raises(UnsupportedFormatError, match="Content-Type: image/heic"):
        check_media_type("image/avif", HEIC)


def test_every_readable_format_has_media_types() -> None:
    assert {kind.name for kind in READABLE} == set(TYPES)
    assert {one for types in TYPES.values() for one in types} <= set(IMAGE_TYPES)
    assert len(IMAGE_TYPES) == len(set(IMAGE_TYPES))


@pytest.mark.parametrize("declared", ["", " ; q=1", ANY_TYPE, "Application/Octet-Stream; q=1"])
@pytest.mark.parametrize("encoded", [SAMPLES["png"], PDF, b"", b"words"])
def test_bytes_without_a_declared_type_are_left_to_the_decoder(
    declared: str, encoded: bytes
) -> None:
    check_media_type(declared, encoded)


def test_parameters_and_case_of_a_type_do_not_matter() -> None:
    assert media_type_of(' Image/PNG ; name="a.png"') == "image/png"
    check_media_type('Image/PNG; name="a.png"', SAMPLES["png"])
    with pytest.raises(UnsupportedFormatError):
        check_media_type("Image/JPEG; q=1", SAMPLES["png"])


def test_an_empty_image_is_left_to_the_decoder() -> None:
    check_media_type("image/png", b"")


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (b"no image at all", "unknown; allowed: JPEG, PNG"),
        (PDF, "PDF; allowed: JPEG, PNG, .*Save the pages with faces as PNG or JPEG.$"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomisom", "video; allowed: .*Use `emolens video`.$"),
    ],
)
def test_other_files_are_no_images_whatever_they_are_called(encoded: bytes, message: str) -> None:
    for media_type in IMAGE_TYPES:
        with pytest.raises(UnsupportedFormatError, match=f"'{media_type}', but .*{message}"):
            check_media_type(media_type, encoded)


@pytest.mark.parametrize(
    "declared",
    ["text/plain", "application/x-www-form-urlencoded", "image/svg+xml", "image/*", "png"],
)
def test_other_types_are_refused_with_the_type_to_send(declared: str) -> None:
    with pytest.raises(UnsupportedFormatError) as raised:
        check_media_type(declared, SAMPLES["png"])
    assert repr(declared) in str(raised.value)
    assert str(raised.value).endswith("Content-Type: image/png, or application/octet-stream.")


def test_other_types_of_other_files_have_the_advice_for_the_file() -> None:
    with pytest.raises(UnsupportedFormatError, match="Save the pages"):
        check_media_type("application/pdf", PDF)
    with pytest.raises(UnsupportedFormatError, match="Send an image in one of these formats"):
        check_media_type("text/plain", b"words")


@pytest.mark.parametrize(
    ("accept", "is_preferred"),
    [
        ("image/png", True),
        ("IMAGE/PNG; q=0.5", True),
        ("image/*", True),
        ("image/png, application/json;q=0.9", True),
        ("application/json;q=0.1, image/*;q=0.2", True),
        ("image/avif,image/webp,image/png,*/*;q=0.8", True),
        ("application/json;q=0, */*", True),
        ("", False),
        ("*/*", False),
        ("text/html", False),
        ("application/json", False),
        ("image/png, application/json", False),
        ("image/png;q=0.5, */*", False),
        ("image/png;q=0, image/*", False),
        ("image/png;q=nan", False),
        ("image/png;q=9", False),
        (";;,,/;q=", False),
    ],
)
def test_a_client_prefers_what_it_gives_more_weight(accept: str, is_preferred: bool) -> None:
    assert prefers(accept, "image/png", "application/json") is is_preferred
