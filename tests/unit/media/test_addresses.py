import pytest

from emolens.core.errors import ConfigError
from emolens.media.addresses import (
    camera_number,
    has_login,
    is_login_without_scheme,
    may_need_encoding,
    must_be_encoded,
    refuse_addresses,
    scheme_of,
    without_secrets,
)


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
        ("rtsp://h/user=me_password=geheim_channel=1_stream=0.sdp?x", "rtsp://h/..."),
        ("rtsp://h:554/a/user=me&password=geheim&channel=1", "rtsp://h:554/a/..."),
    ],
)
def test_what_is_shown_of_an_address(address: str, shown: str) -> None:
    assert without_secrets(address) == shown


@pytest.mark.parametrize("sign", [*"/?#@:%&=[] \\'\"\n", "://"])
def test_no_sign_in_a_password_makes_it_visible(sign: str) -> None:
    shown = without_secrets(f"rtsp://me:geheim{sign}heimlich@camera/x?key=verborgen")
    assert not any(word in shown for word in ("geheim", "heimlich", "verborgen", "me:"))
    assert "camera" in shown


@pytest.mark.parametrize(
    ("address", "may", "must"),
    [
        *(("rtsp://h/x", False, False), ("rtsp://me:geheim@h/x", False, False)),
        *(("rtsp://me:ge%40heim@h/x", False, False), ("http://h:80/x", False, False)),
        *(("http://[::1]:80/x", False, False), ("rtsp://me:a:b@h", False, False)),
        *(("rtsp://me:ge@heim@h/x", True, False), ("rtsp://me:ge%heim@h", True, False)),
        *(("rtsp://me:ge/heim@h/x", True, True), ("rtsp://me:ge?heim@h/x", True, True)),
        *(("rtsp://me:ge#heim@h/x", True, True), ("rtsp://me:ge:he/im@h/x", True, True)),
        # These may be hosts with a port, or none.
        *(("rtsp://me:12/34@h/x", True, False), ("http://h:80/x?mail=a@b", True, False)),
        ("http://ge/heim@h/x", True, False),
        # No password is in it.
        ("rtsp://:99999999", False, False),
    ],
)
def test_signs_in_a_password_that_should_have_been_encoded(
    address: str, may: bool, must: bool
) -> None:
    assert may_need_encoding(address) == may
    assert must_be_encoded(address) == must


@pytest.mark.parametrize(
    ("address", "has"),
    [
        *(("http://me:geheim@h", True), ("http://me@h/x", True), ("http://h/x", False)),
        *(("http://h/x?a=b@c", False), ("http://h/@c", False)),
    ],
)
def test_a_login_stands_before_the_host(address: str, has: bool) -> None:
    assert has_login(address) == has


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        *(("me:geheim@camera/door", True), ("rtsp:/me:geheim@camera", True)),
        *(("rtsp:me:geheim@camera", True), ("me:ge/heim@camera", True)),
        *(("rtsp://me:geheim@camera", False), ("a.mp4", False), ("a@b.mp4", False)),
        *(("C:/a@b.mp4", False), ("folder/a:b@c.mp4", False), ("", False)),
    ],
)
def test_a_login_without_a_scheme(source: str, is_one: bool) -> None:
    assert is_login_without_scheme(source) == is_one


def test_an_address_is_no_image() -> None:
    refuse_addresses(["a.jpg", "folder/*.png", "C:/a.jpg", "a@b.jpg"])
    with pytest.raises(ConfigError, match="http://h/x.jpg is an address, not an image") as raised:
        refuse_addresses(["a.jpg", "http://me:geheim@h/x.jpg"])
    assert "geheim" not in str(raised.value)
    assert "Download the image first." in str(raised.value)
