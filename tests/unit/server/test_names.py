import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolens.core.errors import InputError
from emolens.server.names import checked_name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "clip.mp4",
            "My clip (2).MOV",
            "été.webm",
            "日本語.mkv",
            ".hidden",
            "a",
            "-n",
            "console.mp4",
        ),
        *("com.mp4", "a..b", "ü" * 127, "x" * 255, "%2e%2e%2f", "{name}.mp4", "0"),
    ],
)
def test_plain_file_names_stay_as_they_are(name: str) -> None:
    assert checked_name(name, "video") == name


def test_without_a_name_the_default_is_used() -> None:
    assert checked_name("", "video") == "video"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "..",
            ".",
            "../a",
            "/etc/passwd",
            "a/b",
            "a\\b",
            "..\\a",
            "C:a",
            "file:a",
            "a:b",
            "rtsp://a",
        ),
        *("a\0b", "a\nb", "a\tb", "a\x7f", "a\x85b", "a\u2028b", "\ud800", "a\u202egpj.exe"),
        *(" a", "a ", "a.", "a. ", "   ", "...", "x" * 256, "ü" * 128, "x" * 10_000),
        *("con", "CON", "nul.mp4", "Aux.tar.gz", "com1", "lpt9.mp4", "COM¹", "nul .mp4", "conout$"),
        *('a"b', "a<b", "a|b", "a?b", "a*b"),
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="the name .*; allowed: a file name") as refused:
        checked_name(name, "video")
    message = str(refused.value)
    assert len(message) < 600
    assert message.isascii()
    assert message.isprintable()


@given(st.text(st.characters(), max_size=300))
def test_no_name_leaves_its_folder(name: str) -> None:
    try:
        checked = checked_name(name, "video")
    except InputError:
        return
    assert not set(checked) & set("/\\:\0\r\n")
    assert checked not in (".", "..")
    assert 0 < len(checked.encode()) <= 255
