import pytest

from emolens.core.command_line import public_command, running, running_command

SECRETS = ("jane", "doe", "password", "camera.example", "/home", "42000017", ".mp4", ".csv")


@pytest.mark.parametrize(
    ("typed", "public"),
    [
        ("video film.mp4 --table film.csv --every 5 --blur", "video --table --every 5 --blur"),
        ("video --blur film.mp4", "video --blur"),
        ("video /home/jane/doe.mp4 --start=1.5 --table=/home/j.csv", "video --start 1.5 --table"),
        ("image a.jpg --model labels -q", "image --model labels"),
        ("image a.jpg --detector=centerface", "image --detector centerface"),
        ("image a.jpg --model /home/jane/mine.onnx", "image --model"),
        ("live --source rtsp://jane:password@camera.example/ -q", "live --source"),
        ("live --source 0 --jsonl -", "live --source 0 --jsonl"),
        ("image 42000017 --jsonl 42000017", "image --jsonl"),
        ("image --blur -- -jane 7 --doe=7", "image --blur"),
        ("data audit jane --report doe.html", "data audit --report"),
        ("evaluate --data jane --split test --tta", "evaluate --data --split test --tta"),
        ("/home/jane", ""),
        ("", ""),
    ],
)
def test_a_command_keeps_options_and_numbers_only(typed: str, public: str) -> None:
    found = public_command(typed.split())
    assert found == public
    assert not any(secret in found for secret in SECRETS)


def test_the_command_is_known_while_it_runs() -> None:
    assert running_command() is None
    with pytest.raises(ValueError, match="stop"), running(["video", "a.mp4", "--every", "2"]):
        assert running_command() == "video --every 2"
        raise ValueError("stop")
    assert running_command() is None
