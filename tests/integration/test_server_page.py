"""Every command and program of docs/server.md works as written, in the order of the page."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import pytest

from emolens.core.errors import EmolensError, MissingExtraError
from emolens.imaging.decode import read_image
from emolens.media.sample import sample_image, second_sample_image
from emolens.server.errors import internal_answer, status_answer, status_of
from emolens.server.settings import Limits
from emolens.testing import crossing_clip
from tests.command_line import run_emolens
from tests.integration.test_video_command import write_video

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/server.md").read_text(encoding="utf-8")
DEPLOYMENT = (ROOT / "docs/deploy/README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = BLOCK.findall(PAGE)
ADDRESS = "127.0.0.1:8000"
INSTALLATION = "pip install "
START = "emolens serve"
# Node 20 has WebSockets behind an option, later versions without.
NODE = ("node", "--experimental-websocket", "--no-warnings")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the page uses curl"),
    pytest.mark.skipif(sys.platform == "win32", reason="the page is for a POSIX shell"),
]


@dataclass
class Reader:
    """Someone who follows the page in a folder, with the server in a second terminal.

    Attributes:
        folder: Where commands run.
        port: Port of the server, which replaces the one of the page.
        said: Blocks as they stand on the page, with their standard output.
    """

    folder: Path
    port: int
    said: dict[str, str] = field(default_factory=dict)
    server: "subprocess.Popen[bytes] | None" = None

    def follow(self, language: str, block: str) -> None:
        """Do what a block says."""
        text = block.replace(ADDRESS, f"127.0.0.1:{self.port}")
        if language == "sh" and re.fullmatch(f"{START}(?!.*--new-key).*\n", block):
            self._start_server(shlex.split(block))
        elif language == "sh" and not block.startswith(INSTALLATION):
            self._run(block, ["bash", "-euo", "pipefail", "-c", text])
        elif language == "python":
            self._run(block, [sys.executable, "-W", "error", "-c", text])
        elif language == "js" and shutil.which(NODE[0]):
            self._run(block, [*NODE, "--input-type=module", "--eval", text])

    def stop_server(self) -> int:
        """Stop the server as Ctrl-C does, and return its exit code."""
        assert self.server is not None
        self.server.send_signal(signal.SIGINT)
        code = self.server.wait(30)
        self.server = None
        return code

    def _start_server(self, words: list[str]) -> None:
        if self.server is not None:
            assert self.stop_server() == 0
        command = [*words, "--port", str(self.port)]
        log = (self.folder / "server.log").open("ab")
        self.server = subprocess.Popen(
            command, cwd=self.folder, env=self._environment(), stderr=log
        )
        log.close()

    def _run(self, block: str, command: list[str]) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        self.said[block] = done.stdout

    def _environment(self) -> dict[str, str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": path, "TMPDIR": str(self.folder / "tmp"), "no_proxy": "127.0.0.1"}
        return os.environ | own


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Someone who has followed the whole page."""
    folder = tmp_path_factory.mktemp("server-page")
    for name in ("photo.jpg", "a.jpg"):
        shutil.copy(sample_image(), folder / name)
    cv2.imwrite(str(folder / "b.png"), read_image(second_sample_image()).image)
    write_video(folder / "clip.mp4", crossing_clip(size_wh=(320, 240), rate_hz=10, duration_s=2))
    program = folder / "bin/emolens"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m emolens "$@"\n')
    program.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    reader = Reader(folder, port)
    try:
        (folder / "tmp").mkdir()
        for language, block in BLOCKS:
            reader.follow(language, block)
        assert reader.stop_server() == 0
        yield reader
    finally:
        if reader.server is not None:
            reader.server.kill()
            reader.server.wait()


def said(reader: Reader, part: str) -> str:
    """The output of the block that contains a text."""
    (block,) = (block for block in reader.said if part in block)
    return reader.said[block]


def assert_shown(shown: Any, real: Any) -> None:
    """What the page shows of an answer is in the answer, apart from rounding."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert_shown(value, real[name])
    elif isinstance(shown, list):
        assert len(shown) == len(real)
        for one, other in zip(shown, real, strict=True):
            assert_shown(one, other)
    elif isinstance(shown, float):
        assert real == pytest.approx(shown, abs=0.06 if shown > 1 else 1e-4)
    else:
        assert real == shown


def test_every_block_of_the_page_is_followed(reader: Reader) -> None:
    """A block that is not run is an installation, the start of a server, or an answer."""
    languages = [language for language, _ in BLOCKS]
    assert set(languages) == {"sh", "json", "python", "js"}
    assert languages.count("json") == 1
    left = [block for language, block in BLOCKS if language != "json" and block not in reader.said]
    if shutil.which(NODE[0]) is None:
        left = [block for block in left if "import " not in block]
    assert left[:2] == ['pip install "emolens[serve]"\n', "emolens serve\n"]
    assert all(block.startswith(START) for block in left[2:])


def test_the_first_answer_is_the_one_on_the_page(reader: Reader) -> None:
    (shown,) = (json.loads(block) for language, block in BLOCKS if language == "json")
    answer = said(reader, 'readyz\ncurl --header "Content-Type')
    assert_shown(shown, json.loads(answer.removeprefix('{"status":"ready"}')))


def test_several_images_are_answered_in_order(reader: Reader) -> None:
    first, second = re.split(r"(?<=\})(?=\{\"path\")", said(reader, "--form"), maxsplit=1)
    assert [image["path"] for image in json.loads(first)["images"]] == ["a.jpg", "b.png"]
    assert json.loads(second)["path"] == "b.png"


def test_maps_are_an_image_or_numbers(reader: Reader) -> None:
    assert read_image(reader.folder / "map.png").image.size
    assert set(json.loads((reader.folder / "maps.json").read_text())["faces"][0]["maps"]) > {"sad"}


def test_the_table_of_a_video_is_that_of_the_command(reader: Reader) -> None:
    done = run_emolens("video", "clip.mp4", "--table", "own.csv", cwd=reader.folder)
    assert done.returncode == 0, done.stderr
    own = (reader.folder / "own.csv").read_bytes()
    assert (reader.folder / "faces.csv").read_bytes() == own
    assert "tracks" in json.loads((reader.folder / "summary.json").read_text())
    assert "<html" in (reader.folder / "report.html").read_text(encoding="utf-8")


def test_the_python_program_prints_labels(reader: Reader) -> None:
    lines = said(reader, "analyze_video").splitlines()
    assert lines[0].startswith("happy 0.99")
    assert len(lines) == 1 + 20  # one line per frame
    assert "'happy'" in lines[-1]


@pytest.mark.skipif(shutil.which(NODE[0]) is None, reason="Node is not installed")
def test_the_javascript_program_prints_labels(reader: Reader) -> None:
    lines = said(reader, 'from "./emolens.mjs"').splitlines()
    assert lines[0] == "[ 'happy' ]"
    assert len(lines) == 1 + 10  # one line per frame
    assert all(line.endswith("s: happy") for line in lines[1:])


def test_a_new_key_opens_the_server(reader: Reader) -> None:
    answer = said(reader, 'Authorization: Bearer $(cat laptop.key)" --header')
    assert '"label":"happy"' in answer
    assert (reader.folder / "keys.txt").read_text().count("laptop sha256:") == 1


def test_pages_of_another_site_get_its_origin_and_a_ticket(reader: Reader) -> None:
    answer = said(reader, "/v1/tickets")
    assert "access-control-allow-origin: https://faces.example" in answer.lower()
    assert '"ticket":"' in answer


def test_an_error_has_its_code(reader: Reader) -> None:
    (block,) = (block for block in reader.said if block.endswith("/v1/models\n"))
    answer = json.loads(reader.said[block])
    assert answer["error"]["code"] == "access"
    assert answer["request_id"]


def test_nothing_is_left_in_the_temporary_folder(reader: Reader) -> None:
    assert list((reader.folder / "tmp").iterdir()) == []


def test_the_log_has_no_names_of_files_and_no_keys(reader: Reader) -> None:
    log = (reader.folder / "server.log").read_text(encoding="utf-8")
    assert log.count('"route": "/v1/analyze"') >= 5
    assert '"client": "laptop"' in log
    for secret in ("photo.jpg", "clip.mp4", "b.png", (reader.folder / "laptop.key").read_text()):
        assert secret.strip() not in log


def rows_of_table(text: str, head: str) -> dict[str, str]:
    """The second column of the table with a heading, by the names in the first one."""
    table = text.partition(f"| {head} |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+?) \|", table, re.MULTILINE)
    return {name: value for names, value in rows for name in re.findall(r"`(\w+)`", names)}


def shown_limit(name: str, value: float) -> str:
    """A limit as the page shows it."""
    if name.endswith("_s") and not name.endswith("per_s"):
        return f"{value / 60:g} min" if value > 60 else f"{value:g} s"
    if name.endswith("_pixels"):
        return f"{value / 1e6:.3g} MP" if value % 1e6 == 0 else f"{value / 1e6:.1f} MP"
    if name.endswith("_bytes"):
        units = (1024**3, "GiB"), (1_000_000, "MB"), (1024, "KiB")
        unit, suffix = next((unit, suffix) for unit, suffix in units if value % unit == 0)
        return f"{value // unit:g} {suffix}"
    return str(value)


def test_the_tables_have_all_limits() -> None:
    limits = Limits()
    of_requests = re.findall(r"(\d[\d.]*(?: [KM]i?B| MP| min| s\b)?)[a-z ]*\(`(\w+)`\)", PAGE)
    of_server = rows_of_table(DEPLOYMENT, "limit")
    shown = {name: text for text, name in of_requests} | of_server
    assert len(shown) == len(of_requests) + len(of_server)
    assert shown == {name: shown_limit(name, getattr(limits, name)) for name in Limits.__slots__}


def all_kinds(kind: type[EmolensError] = EmolensError) -> Iterator[type[EmolensError]]:
    yield kind
    for inner in kind.__subclasses__():
        if inner.__module__ == EmolensError.__module__:
            yield from all_kinds(inner)


def test_the_table_has_all_codes_with_their_status() -> None:
    expected: dict[str, set[int]] = defaultdict(set)
    for kind in all_kinds():
        status = status_of(kind("") if kind is not MissingExtraError else kind("", "serve", ""))
        if status != 500:
            expected[kind.code].add(status)
    plain = [status_answer(status, "", "") for status in (400, 404, 405, 413, 415, 422)]
    for answer in (*plain, internal_answer("")):
        code = json.loads(bytes(answer.body))["error"]["code"]
        expected[code].add(answer.status_code)
    expected["request_too_large"].add(431)  # headers, refused by server.connections
    shown = rows_of_table(PAGE, "code")
    assert {code: set(map(int, text.split(", "))) for code, text in shown.items()} == expected
