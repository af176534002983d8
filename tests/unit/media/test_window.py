import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import cv2
import pytest

from emolens.core.errors import ConfigError
from emolens.media import window
from emolens.media.window import Window, has_screen
from tests.results import frame_and_result

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A screen that nobody sees."""
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("Xvfb is not installed")
    read_end, write_end = os.pipe()
    command = [program, "-displayfd", str(write_end), "-screen", "0", "640x480x24"]
    server = subprocess.Popen(
        command, pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(write_end)
    with os.fdopen(read_end) as number:
        name = f":{number.readline().strip()}"
    if name == ":":
        server.wait(10)
        pytest.skip("Xvfb does not run here")
    yield name
    server.terminate()
    server.wait(10)


def run(script: str, display: str) -> subprocess.CompletedProcess[str]:
    """Run a script beside a screen, since OpenCV ends a process that has none."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=os.environ | {"DISPLAY": display},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.usefixtures("on_linux")
@pytest.mark.parametrize("name", [None, "", "nonsense", ":", ":x", ":9876", "127.0.0.1:59000"])
def test_without_a_screen_there_is_no_window(
    name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.delenv("DISPLAY", raising=False)
    if name is not None:
        monkeypatch.setenv("DISPLAY", name)
    assert not has_screen()
    with pytest.raises(ConfigError, match="no display is available for the window. Use --no-wind"):
        Window()


def test_other_systems_have_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert has_screen()


@pytest.mark.usefixtures("on_linux")
def test_a_screen_that_answers(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (display, f"{display}.0", f"unix{display}"):
        monkeypatch.setenv("DISPLAY", name)
        assert has_screen()


def test_a_screen_that_does_not_answer_ends_no_process() -> None:
    script = """
        from emolens.core.errors import ConfigError
        from emolens.media.window import Window
        try:
            Window()
        except ConfigError as error:
            print(error)
        """
    done = run(script, ":9876")
    assert done.returncode == 0, done.stderr
    assert "no display is available" in done.stdout


def test_frames_are_shown_until_the_window_is_closed(display: str) -> None:
    script = """
        from emolens.media.window import Window
        from tests.results import frame_and_result
        with Window("emolens test") as window:
            window.pump()
            for index in range(3):
                window.write(*frame_and_result(index))
                assert not window.is_closed
            window.pump()
        assert window.is_closed
        window.write(*frame_and_result(4))
        window.pump()
        window.close()
        print("shown")
        """
    done = run(script, display)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "shown\n"


def test_several_windows_one_after_the_other(display: str) -> None:
    script = """
        from emolens.media.window import Window
        from tests.results import frame_and_result
        for _ in range(3):
            with Window() as window:
                window.write(*frame_and_result(0))
                assert not window.is_closed
        """
    done = run(script, display)
    assert done.returncode == 0, done.stderr


class FakeScreen:
    """OpenCV's functions for windows, without a screen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.key = -1
        self.is_visible = 1.0
        for name in ("namedWindow", "resizeWindow", "imshow", "destroyAllWindows"):
            monkeypatch.setattr(cv2, name, self._noting(name))
        monkeypatch.setattr(cv2, "waitKey", lambda _ms: self.key)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.is_visible)
        monkeypatch.setattr(window, "has_screen", lambda: True)

    def _noting(self, name: str) -> object:
        return lambda *_: self.calls.append(name)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> FakeScreen:
    return FakeScreen(monkeypatch)


@pytest.mark.parametrize("key", [ord("q"), 27, 0x100000 | ord("q")])
def test_q_and_esc_close_it(key: int, screen: FakeScreen) -> None:
    with Window() as shown:
        shown.write(*frame_and_result(0))
        screen.key = key
        shown.write(*frame_and_result(1))
        assert shown.is_closed
        shown.write(*frame_and_result(2))
    assert screen.calls.count("imshow") == 2
    assert screen.calls.count("destroyAllWindows") == 1


def test_other_keys_do_not_close_it(screen: FakeScreen) -> None:
    screen.key = ord("x")
    with Window() as shown:
        shown.write(*frame_and_result(0))
        assert not shown.is_closed


def test_the_button_of_the_window_closes_it_also_while_no_frames_come(screen: FakeScreen) -> None:
    with Window() as shown:
        shown.write(*frame_and_result(0))
        screen.is_visible = 0.0
        shown.pump()
        assert shown.is_closed


def test_a_window_that_was_never_shown_is_not_destroyed(screen: FakeScreen) -> None:
    with Window() as shown:
        shown.pump()
    assert shown.is_closed
    assert screen.calls == []
