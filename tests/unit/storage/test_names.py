import os
from pathlib import Path

import pytest

from emolens.core.errors import ConfigError
from emolens.storage.names import PAGE_SUFFIXES, check_distinct, check_folder_name, check_suffix


@pytest.mark.parametrize("name", ["a.html", "A.HTM", "a.pdf.html", "dir.pdf/a.html"])
def test_the_suffix_of_the_written_format_is_allowed(name: str) -> None:
    check_suffix(name, PAGE_SUFFIXES)


@pytest.mark.parametrize(
    ("name", "found", "advice"),
    [
        ("out.pdf", "the suffix is '.pdf'", "Use 'out.html'."),
        ("a/b.html.gz", "the suffix is '.gz'", "Use 'a/b.html.html'."),
        ("out", "the name has no suffix", "Use 'out.html'."),
        ("dir.html/out", "the name has no suffix", "Use 'dir.html/out.html'."),
        (".html", "the name has no suffix", "Use '.html.html'."),
        ("", "the name has no suffix", "allowed: .html, .htm."),
        ("..", "the name has no suffix", "allowed: .html, .htm."),
    ],
)
def test_any_other_suffix_is_refused(name: str, found: str, advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_suffix(name, PAGE_SUFFIXES)
    assert found in str(caught.value)
    assert str(caught.value).endswith(advice)


def test_a_device_may_have_any_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    check_suffix(tmp_path / "pipe", PAGE_SUFFIXES)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError):
        check_suffix(tmp_path / "file", PAGE_SUFFIXES)


@pytest.mark.parametrize("name", ["report", "run.v2", "report-1.5", ".", "a.html/b"])
def test_a_folder_may_have_a_dot(name: str) -> None:
    check_folder_name(name)


def test_a_folder_is_not_named_like_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"suffix '\.PDF' is that of a file.*Use '.*/out'"):
        check_folder_name(tmp_path / "out.PDF")
    (tmp_path / "out.PDF").mkdir()
    check_folder_name(tmp_path / "out.PDF")


def test_no_output_may_be_the_source_or_another_output(tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    check_distinct([tmp_path / "b.mkv", None, "-", "-", tmp_path / "c.csv"], sources=[source])
    check_distinct(["/dev/null", "/dev/null"], sources=[None])
    with pytest.raises(ConfigError, match="the output would overwrite the source"):
        check_distinct([tmp_path / "x" / ".." / "a.mkv"], sources=[source])
    with pytest.raises(ConfigError, match="the output would overwrite another output"):
        check_distinct([tmp_path / "b.csv", str(tmp_path / "b.csv")])


def test_a_device_needs_the_suffix_that_chooses_the_format(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="the name has no suffix"):
        check_suffix(tmp_path / "pipe", (".mkv",), is_any_device=False)
