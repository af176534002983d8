import pytest

from emolens.media.addresses import camera_number, scheme_of, without_secrets


@pytest.mark.parametrize(
    ("source", "number"),
    [
        *((0, 0), (2, 2), ("0", 0), ("12", 12), ("/dev/video0", 0), ("/dev/video10", 10)),
        *(("a", None), ("", None), ("-1", None), ("1.0", None), ("1234", None), ("0\n", None)),
        *(("video0", None), ("/dev/null", None), ("٣", None)),
    ],
)
def test_numbers_and_devices_are_cameras(source: str | int, number: int | None) -> None:
    assert camera_number(source) == number


@pytest.mark.parametrize(
    ("source", "scheme"),
    [
        *(("rtsp://h/x", "rtsp"), ("HTTP://h", "http"), ("a+b.c-d://x", "a+b.c-d")),
        *(("C:/a.mp4", None), ("a.mp4", None), ("rtsp:x", None), ("/a://b", None), ("", None)),
    ],
)
def test_an_address_has_a_scheme_and_a_path_has_none(source: str, scheme: str | None) -> None:
    assert scheme_of(source) == scheme


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://h:554/x", "rtsp://h:554/x"),
        ("rtsp://me:geheim@h/x", "rtsp://h/x"),
        ("RTSP://me:geheim@h", "rtsp://h"),
        ("http://h/x?token=geheim", "http://h/x?..."),
        ("http://h/x#geheim", "http://h/x?..."),
        ("http://me:ge@heim@h/x", "http://h/x"),
        ("http://[fe80::1]:80/x", "http://[fe80::1]:80/x"),
        ("http://[::1", "http://[::1"),
        ("folder/a@b?c#d.mp4", "folder/a@b?c#d.mp4"),
    ],
)
def test_what_is_shown_of_an_address(address: str, shown: str) -> None:
    assert without_secrets(address) == shown


@pytest.mark.parametrize("sign", [*"/?#@:%&=[] \\'\"\n", "://"])
def test_no_sign_in_a_password_makes_it_visible(sign: str) -> None:
    shown = without_secrets(f"rtsp://me:geheim{sign}heimlich@camera/x?key=verborgen")
    assert not any(word in shown for word in ("geheim", "heimlich", "verborgen", "me:"))
    assert "camera" in shown
