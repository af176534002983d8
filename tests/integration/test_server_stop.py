"""Ready only after the warm-up, and a stop that answers what has begun (G14)."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import pytest

from emolens.media.sample import sample_image
from emolens.testing import crowd_clip
from tests.raw_http import Answer, connect, read_answer, send_and_read, wait_for
from tests.raw_stream import opened_stream
from tests.server_process import running_server
from tests.stream_fuzzer import image

pytestmark = pytest.mark.slow

STOP_S = 10.0
JPEG = sample_image().read_bytes()


def clip(path: Path, seconds: float = 20.0) -> bytes:
    """Return a video that takes long to analyse."""
    made = crowd_clip(4, size_wh=(640, 480))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (640, 480))
    for number in range(round(25 * seconds)):
        writer.write(made.draw(number / 25.0))
    writer.release()
    return path.read_bytes()


class TestStart:
    def test_the_server_is_alive_at_once_and_ready_after_the_warm_up(self, tmp_path: Path) -> None:
        with running_server(tmp_path, is_awaited=False) as server:
            assert server.ask("GET", "/livez").status == 200
            early = server.ask("GET", "/readyz")
            if early.status != 200:  # unless this computer is very fast
                assert (early.status, early.error_code) == (503, "busy")
                assert "retry-after" in early.headers
                assert server.ask("POST", "/v1/analyze", body=JPEG).status in (200, 503)
            server.wait_until_ready()
            assert server.ask("POST", "/v1/analyze", body=JPEG).status == 200
            messages = [line["message"] for line in server.log_lines()]
        assert messages.count("ready") == 1

    def test_a_server_that_cannot_start_says_so_and_fails(self) -> None:
        program = (
            "from emolens.server import private_folder; "
            "private_folder._PREFIX = 'missing/folder'; "
            "from emolens.cli.main import run; run()"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, "serve", "--port", "0"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 3
        assert "cannot create a folder for videos" in done.stderr
        assert "Set the variable TMPDIR" in done.stderr

    def test_requests_before_the_warm_up_are_refused(self, tmp_path: Path) -> None:
        with running_server(tmp_path, is_awaited=False) as server:
            statuses = []
            while (answer := server.ask("GET", "/readyz")).status == 503:
                statuses.append(server.ask("GET", "/v1/models").status)
            assert answer.status == 200
        # The last request may come after the warm-up.
        assert set(statuses[:-1]) <= {503}


class TestStop:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_an_idle_server_stops_at_once_with_exit_code_0(
        self, tmp_path: Path, number: signal.Signals
    ) -> None:
        with running_server(tmp_path) as server:
            began_s = time.monotonic()
            assert server.stop(number) == 0
            assert time.monotonic() - began_s < 5.0
            assert "Traceback" not in server.log.read_text()

    @pytest.mark.parametrize("wait_s", [0.0, 0.05, 0.2])
    def test_a_server_that_warms_up_stops(self, tmp_path: Path, wait_s: float) -> None:
        with running_server(tmp_path, is_awaited=False) as server:
            time.sleep(wait_s)
            assert server.stop() == 0
            assert "Traceback" not in server.log.read_text()

    def test_a_second_ctrl_c_does_not_wait(self, tmp_path: Path) -> None:
        with running_server(tmp_path) as server, connect(server.port) as connection:
            connection.sendall(
                b"POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
            )
            time.sleep(0.2)
            server.process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            began_s = time.monotonic()
            assert server.stop(signal.SIGINT) == 0
            assert time.monotonic() - began_s < 3.0

    def test_readiness_ends_at_once_and_requests_that_have_begun_are_answered(
        self, tmp_path: Path
    ) -> None:
        with running_server(tmp_path) as server, contextlib.ExitStack() as stack:
            idle = stack.enter_context(connect(server.port))
            assert (
                send_and_read(idle, [b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"]).status
                == 200
            )
            stream = stack.enter_context(opened_stream(server.port))
            begun = stack.enter_context(connect(server.port))
            head = b"POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
            begun.sendall(head % len(JPEG) + JPEG[:-1000])
            time.sleep(0.2)
            probe = stack.enter_context(connect(server.port))
            stream.send_frame(1.0, image())
            time.sleep(0.005)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            probe.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_answer(probe).status != 200
            result = stream.receive_json()
            assert (result["type"], result["captured_s"]) == ("result", 1.0)
            assert stream.close_code() == 1012
            begun.sendall(JPEG[-1000:])
            assert read_answer(begun).status == 200
            assert server.process.wait(STOP_S) == 0

    def test_analyses_in_the_queue_are_answered(self, tmp_path: Path) -> None:
        answers: list[Answer] = []
        with running_server(tmp_path) as server:
            threads = [
                threading.Thread(
                    target=lambda: answers.append(server.ask("POST", "/v1/analyze", body=JPEG))
                )
                for _ in range(16)
            ]
            for thread in threads:
                thread.start()
            assert wait_for(lambda: server.metrics()['emolens_waiting{queue="images"}'] > 4)
            assert server.stop() == 0
            for thread in threads:
                thread.join(STOP_S)
        assert [answer.status for answer in answers] == [200] * 16

    def test_a_request_that_does_not_end_does_not_hold_the_stop(self, tmp_path: Path) -> None:
        with running_server(tmp_path) as server, connect(server.port) as connection:
            connection.sendall(
                b"POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
            )
            time.sleep(0.2)
            began_s = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began_s < STOP_S

    def test_clients_that_never_read_do_not_hold_the_stop(self, tmp_path: Path) -> None:
        with running_server(tmp_path) as server, contextlib.ExitStack() as stack:
            for _ in range(3):
                stream = stack.enter_context(opened_stream(server.port))
                stream.send_frame(0.0, image())
            began_s = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began_s < STOP_S

    def test_a_clip_that_is_analysed_is_stopped_and_its_files_deleted(self, tmp_path: Path) -> None:
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        with running_server(tmp_path, environment={"TMPDIR": str(temporary)}) as server:
            answer = server.ask("POST", "/v1/jobs?name=a.mp4", body=clip(tmp_path / "a.mp4"))
            assert answer.status == 202
            assert list(temporary.iterdir())
            address = answer.headers["location"]
            assert wait_for(lambda: server.ask("GET", address).json()["n_frames"] > 0, 30.0)
            children = server.children
            assert children
            began_s = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began_s < STOP_S
        assert list(temporary.iterdir()) == []
        assert wait_for(lambda: not any(is_running(child) for child in children))

    def test_a_killed_server_leaves_no_child(self, tmp_path: Path) -> None:
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        environment = {"TMPDIR": str(temporary)}
        with running_server(tmp_path, environment=environment) as server:
            answer = server.ask("POST", "/v1/jobs?name=a.mp4", body=clip(tmp_path / "a.mp4"))
            address = answer.headers["location"]
            assert wait_for(lambda: server.ask("GET", address).json()["n_frames"] > 0, 30.0)
            children = server.children
            assert children
            server.process.kill()
            assert wait_for(lambda: not any(is_running(child) for child in children))
        with running_server(tmp_path, environment=environment):
            folders = [
                path for path in temporary.iterdir() if path.name.startswith("emolens-serve")
            ]
            assert len(folders) == 1  # that of the new server


def is_running(process: int) -> bool:
    status = Path(f"/proc/{process}/status")
    with contextlib.suppress(OSError):
        return "State:\tZ" not in status.read_text()
    return False


class TestCommand:
    def test_the_command_says_where_it_listens_and_stops_on_ctrl_c(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "emolens", "serve", "--port", "0"]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stderr is not None
            assert "emolens listens on http://127.0.0.1:" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=STOP_S)
        finally:
            process.kill()
        assert process.returncode == 0
        assert output == ""
        assert "Traceback" not in errors
