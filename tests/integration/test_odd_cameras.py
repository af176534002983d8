"""Cameras that answer one image at a time, followed as a stream and as a command."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from emolens.media.open_source import plan_source
from emolens.pipeline.runner import StreamRunner
from tests.command_line import run_emolens
from tests.odd_camera_server import ENCODED_PASSWORD, USER, odd_camera_server
from tests.unit.pipeline.sources import empty_result

pytestmark = pytest.mark.timeout(120)


def wait_until(is_so: Callable[[], bool], *, limit_s: float) -> None:
    until_s = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.02)


def test_a_camera_of_snapshots_that_goes_away_and_comes_back() -> None:
    events: list[str] = []
    numbers: list[int] = []

    def take_all(runner: StreamRunner) -> None:
        numbers.extend(result.frame_index for result in runner)

    with odd_camera_server() as camera:
        plan = plan_source(camera.of("/snapshot/length"))
        runner = StreamRunner(
            plan.open,
            empty_result,
            is_live=True,
            is_endless=plan.is_endless,
            on_event=events.append,
        )
        taker = threading.Thread(target=take_all, args=(runner,))
        taker.start()
        wait_until(lambda: runner.status.counts.processed >= 3, limit_s=5)
    with runner:
        wait_until(lambda: bool(events), limit_s=5)
        n_before = runner.status.counts.processed
        with odd_camera_server(int(camera.host.rpartition(":")[2])):
            wait_until(lambda: runner.status.counts.processed > n_before + 2, limit_s=4)
    taker.join(5)
    assert events[0].startswith(
        f"source lost, reconnecting: cannot open {plan.name}: Connection refused"
    )
    assert events[1:] == ["source reconnected"]
    assert numbers == list(range(len(numbers)))


def test_snapshots_are_followed_and_a_password_is_shown_nowhere(tmp_path: Path) -> None:
    options = ("--no-window", "--jsonl", "out.jsonl", "--duration", "3")
    with odd_camera_server() as camera:
        address = camera.of("/basic/length?key=geheim", f"{USER}:{ENCODED_PASSWORD}@")
        done = run_emolens("live", "--source", address, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "out.jsonl").read_text()
    assert len([json.loads(line) for line in written.splitlines()]) >= 5
    for secret in (ENCODED_PASSWORD, "geheim", f"{USER}:"):
        assert secret not in done.stdout + done.stderr + written


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("live", "--source", "rtsp://me:ge@heim@127.0.0.1:9/x", "--no-window"), "percent-encoded"),
        (("live", "--source", "rtsp://me:ge/heim@127.0.0.1/x", "--no-window"), "percent-encoded"),
        (("live", "--source", "me:geheim@127.0.0.1/x", "--no-window"), "begins with its scheme"),
        (("video", "http://me:geheim@127.0.0.1/x"), "emolens live --source http://127.0.0.1/x"),
        (("bench", "--source", "http://me:geheim@127.0.0.1/x"), "Use a video file"),
        (("image", "http://me:geheim@127.0.0.1/x.jpg"), "emolens live --source"),
        (("image", "a.jpg", "rtsp://me:geheim@127.0.0.1/x.jpg"), "emolens live --source"),
        (("explain", "http://me:geheim@127.0.0.1/x.jpg"), "emolens live --source"),
    ],
)
def test_no_message_shows_a_password(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run_emolens(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())
    assert "heim" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
