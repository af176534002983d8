"""Supported image formats and known unsupported ones, recognised by content and by suffix.

All commands share this list. The first bytes determine the format of a file. In a folder, the
suffix determines whether a file counts as an image. Files of known unsupported kinds count too, so
that they are reported when they are opened. See `emolens.imaging.listing`.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import PurePath

# Enough for a list of brands, the first directory of most TIFF files and the start of an SVG file.
HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file that is commonly stored among images.

    Attributes:
        name: Common name, e.g. `"JPEG"` or `"camera raw"`.
        suffixes: File suffixes in lower case.
        advice: Instruction for files that emolens does not support; empty if it supports them.
    """

    name: str
    suffixes: tuple[str, ...]
    advice: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether emolens supports it."""
        return not self.advice


JPEG = FileKind("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".mpo"))
PNG = FileKind("PNG", (".png", ".apng"))
BMP = FileKind("BMP", (".bmp", ".dib"))
GIF = FileKind("GIF", (".gif",))
WEBP = FileKind("WebP", (".webp",))
TIFF = FileKind("TIFF", (".tif", ".tiff"))
HEIC = FileKind("HEIC", (".heic", ".heif", ".hif", ".heics", ".heifs"))
AVIF = FileKind("AVIF", (".avif", ".avifs"))
PNM = FileKind("PNM", (".pnm", ".pbm", ".pgm", ".ppm"))

RAW = FileKind(
    "camera raw",
    (
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq"),
        *(".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2"),
        *(".rwl", ".sr2", ".srf", ".srw", ".x3f"),
    ),
    "Export it as JPEG or TIFF",
)
VIDEO = FileKind(
    "video",
    (
        *(".3g2", ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg"),
        *(".mpg", ".mts", ".ogv", ".vob", ".webm", ".wmv"),
    ),
    "Use `emolens video`",
)
JPEG_2000 = FileKind(
    "JPEG 2000", (".j2c", ".j2k", ".jp2", ".jpc", ".jpf", ".jpm", ".jpx"), "Save it as PNG or TIFF"
)
JPEG_XL = FileKind("JPEG XL", (".jxl",), "Save it as JPEG or PNG")
JPEG_XR = FileKind("JPEG XR", (".hdp", ".jxr", ".wdp"), "Save it as JPEG or PNG")
PHOTOSHOP = FileKind("Photoshop", (".psb", ".psd"), "Export it as JPEG, PNG or TIFF")
GIMP = FileKind("GIMP", (".xcf",), "Export it as JPEG, PNG or TIFF")
SVG = FileKind("SVG", (".svg", ".svgz"), "Export it as PNG")
PDF = FileKind("PDF", (".pdf",), "Save the pages with faces as PNG or JPEG")
POSTSCRIPT = FileKind("PostScript", (".ai", ".eps", ".ps"), "Export it as PNG or TIFF")
ICON = FileKind("icon", (".cur", ".icns", ".ico"), "Save it as PNG")
HIGH_RANGE = FileKind("high dynamic range", (".exr", ".hdr", ".pfm"), "Save it as PNG or TIFF")
DICOM = FileKind("DICOM", (".dcm", ".dicom"), "Export it as PNG or TIFF")
OTHER = FileKind(
    "uncommon raster",
    (".dds", ".fits", ".pam", ".pcx", ".qoi", ".sgi", ".tga"),
    "Save it as PNG",
)

READABLE = (JPEG, PNG, BMP, GIF, WEBP, TIFF, HEIC, AVIF, PNM)
UNREADABLE = (
    *(RAW, VIDEO, JPEG_2000, JPEG_XL, JPEG_XR, PHOTOSHOP, GIMP, SVG, PDF, POSTSCRIPT, ICON),
    *(HIGH_RANGE, DICOM, OTHER),
)
_BY_SUFFIX = {suffix: kind for kind in (*READABLE, *UNREADABLE) for suffix in kind.suffixes}

# Source: the specifications of the formats; for raw files and video, the `file` command.
_SIGNATURES: tuple[tuple[FileKind, re.Pattern[bytes]], ...] = tuple(
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        (JPEG, rb"\xff\xd8\xff"),
        (PNG, rb"\x89PNG\r\n\x1a\n"),
        (GIF, rb"GIF8[79]a"),
        (WEBP, rb"RIFF.{4}WEBP"),
        (RAW, rb"II\*\0.{4}CR|IIU\0|IIR[OS]|MMOR|FUJIFILMCCD-RAW|FOVb|II\x1a\0.{4}HEAP|\0MRM"),
        (TIFF, rb"II[*+]\0|MM\0[*+]"),
        (BMP, rb"BM"),
        (PNM, rb"P[1-6](?:(?:\s|#[^\r\n]*[\r\n])+[0-9]+){2}\s"),
        (JPEG_2000, rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
        (JPEG_XL, rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
        (JPEG_XR, rb"II\xbc"),
        (PHOTOSHOP, rb"8BPS"),
        (GIMP, rb"gimp xcf"),
        (SVG, rb"(?:\xef\xbb\xbf)?\s*<(?:svg|(?:\?xml|!--|!DOCTYPE svg).*<svg)|\x1f\x8b.*\.svg\0"),
        (PDF, rb"%PDF"),
        (POSTSCRIPT, rb"%!PS|\xc5\xd0\xd3\xc6"),
        (ICON, rb"\0\0[\x01\x02]\0.{2}|icns"),
        (HIGH_RANGE, rb"\x76\x2f\x31\x01|#\?R|P[fF]\s"),
        (DICOM, rb".{128}DICM"),
        (OTHER, rb"DDS \x7c|SIMPLE  =|P7\s|qoif|\x01\xda[\0\x01]"),
        (VIDEO, rb".{4}(?:moov|mdat|wide|free|skip)|\x1aE\xdf\xa3|RIFF.{4}AVI |FLV\x01|OggS"),
        (VIDEO, rb"\0\0\x01[\xb3\xba]|0&\xb2u\x8ef\xcf\x11|(?:\x47.{187}){3}|.{4}\x47.{191}\x47"),
    )
)

_AV1_BRANDS = {b"avif", b"avis", b"avio"}
_HEIF_BRANDS = {
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"heif"),
    *(b"mif1", b"mif2", b"msf1", b"miaf"),
}
# DNGVersion; NewSubfileType with the value 1 (a preview) beside SubIFDs (the raw image).
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330


def kind_by_name(name: str) -> FileKind | None:
    """Return the kind that a file's suffix indicates, in any case; None for an unknown suffix.

    Args:
        name: A file name or path.
    """
    return _BY_SUFFIX.get(PurePath(name).suffix.lower())


def kind_by_content(head: bytes) -> FileKind | None:
    """Return the kind that a file's first bytes indicate, or None.

    Args:
        head: The first `HEAD_BYTES` of the file, or all of it.
    """
    if head[4:8] == b"ftyp":
        return _kind_by_brands(head)
    for kind, pattern in _SIGNATURES:
        if pattern.match(head):
            return RAW if kind is TIFF and _holds_raw(head) else kind
    return None


def kind_of(head: bytes, name: str = "") -> FileKind | None:
    """Return the kind of a file from its first bytes or, if they are not conclusive, from its name.

    Raw files of cameras are TIFF files whose first image is a small preview. A raw suffix therefore
    overrides TIFF content.

    Args:
        head: The first `HEAD_BYTES` of the file, or all of it.
        name: Its name or path; empty if there is none.
    """
    of_content, of_name = kind_by_content(head), kind_by_name(name)
    if of_content is TIFF and of_name is RAW:
        return RAW
    if of_content is None and of_name is not None and not of_name.is_readable:
        return of_name
    return of_content


def is_surely_image(head: bytes) -> bool:
    """Whether bytes without a known suffix are a supported image; never True for plain text.

    Args:
        head: The first `HEAD_BYTES` of the file, or all of it.
    """
    kind = kind_by_content(head)
    if kind is None or not kind.is_readable:
        return False
    # A text may begin with "BM", but contains no control characters.
    return kind is PNM or any(byte < 9 for byte in head)


def _kind_by_brands(head: bytes) -> FileKind:
    """Distinguish HEIC, AVIF and CR3 from videos, which share their container.

    Source: ISO/IEC 14496-12, 4.3 (file type box); ISO/IEC 23008-12, 10.2, annex B; AV1 Image File
    Format, 6.
    """
    size = int.from_bytes(head[:4])
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, min(size, len(head)), 4))}
    if brands & _AV1_BRANDS:
        return AVIF
    if brands & _HEIF_BRANDS:
        return HEIC
    return RAW if b"crx " in brands else VIDEO


def _holds_raw(head: bytes) -> bool:
    """Whether the first directory of a TIFF file marks it as a camera raw file."""
    order = "<" if head.startswith(b"I") else ">"
    found: dict[int, int] = {}
    try:
        (start,) = struct.unpack_from(f"{order}L", head, 4)
        (n_entries,) = struct.unpack_from(f"{order}H", head, start)
        for place in range(start + 2, start + 2 + 12 * n_entries, 12):
            tag, kind = struct.unpack_from(f"{order}HH", head, place)
            (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "L"), head, place + 8)
    except struct.error:
        pass
    return _DNG_VERSION in found or (_SUB_IFDS in found and found.get(_SUBFILE_TYPE) == 1)
