"""The files of a deployment hold what its page promises, as far as that shows without Docker."""

import configparser
import fnmatch
import json
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # no types are published with it

from tests.architecture.test_advice import command

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/deploy/README.md").read_text(encoding="utf-8")
CADDYFILE = (ROOT / "docs/deploy/Caddyfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVER, PROXY = COMPOSE["services"]["emolens"], COMPOSE["services"]["proxy"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def instructions(text: str = DOCKERFILE) -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each a word and its arguments."""
    whole = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = (re.sub(r"\s+", " ", line).strip() for line in whole.splitlines() if line.strip())
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def final_stage() -> list[tuple[str, str]]:
    """The instructions of the stage that becomes the image."""
    all_of_them = instructions()
    last = max(place for place, (word, _) in enumerate(all_of_them) if word == "FROM")
    return all_of_them[last:]


def arguments_of(word: str) -> str:
    """The arguments of the only such instruction of the image."""
    (arguments,) = (rest for found, rest in final_stage() if found == word)
    return arguments


def parse(words: list[str]) -> dict[str, Any]:
    """The parameters of `serve` as the command line understands them."""
    assert words[0] == "serve"
    with command("serve").make_context("serve", list(words[1:])) as context:
        parameters: dict[str, Any] = context.params
        return parameters


def run_of_page() -> list[str]:
    """The words of `docker run` on the page."""
    (text,) = re.findall(r"^docker run (.*?)\n```", PAGE, re.DOTALL | re.MULTILINE)
    return shlex.split(text.replace("\\\n", " "))


def is_sent(path: str) -> bool:
    """Whether .dockerignore leaves a file to the build: the last pattern that matches counts."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        names = [path, *map(str, Path(path).parents)]
        if line.lstrip("!").startswith("**/"):
            names += [*Path(path).parts]
        if (
            line
            and not line.startswith("#")
            and any(fnmatch.fnmatchcase(n, pattern) for n in names)
        ):
            sent = line.startswith("!")
    return sent


def test_the_image_runs_as_a_user_that_is_not_root() -> None:
    user, _, group = arguments_of("USER").partition(":")
    assert int(user) >= 1000
    assert int(group) >= 1000
    assert any(word == "RUN" and f"--uid {user} " in rest for word, rest in final_stage())
    words = [word for word, _ in final_stage()]
    assert set(words[words.index("USER") :]) <= {
        "USER",
        "EXPOSE",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }


@pytest.mark.parametrize(
    "image",
    [*(rest.split()[0] for word, rest in instructions() if word == "FROM"), PROXY["image"]],
)
def test_base_images_have_a_tag_with_a_version(image: str) -> None:
    name, _, tag = image.partition(":")
    assert name in {"python", "caddy"}
    assert re.match(r"\d+\.\d+-(slim-[a-z]+|alpine)$", tag)


def test_all_stages_have_the_same_base() -> None:
    assert len({rest.split()[0] for word, rest in instructions() if word == "FROM"}) == 1


def test_the_python_of_the_image_is_a_supported_one() -> None:
    version = re.findall(r"^FROM python:(\d+\.\d+)-", DOCKERFILE, re.MULTILINE)[0]
    classifiers = PROJECT["project"]["classifiers"]
    assert f"Programming Language :: Python :: {version}" in classifiers


def test_the_image_gets_no_more_than_the_installed_packages() -> None:
    copied = [rest for word, rest in final_stage() if word in ("COPY", "ADD")]
    assert copied == ["--from=build /opt/emolens /opt/emolens"]
    ran = [rest.split()[0] for word, rest in final_stage() if word == "RUN"]
    assert ran == ["useradd"]


def test_opencv_is_the_tested_version_without_windows() -> None:
    """The steps of the Dockerfile that choose it, run on the real list of versions."""
    (step,) = re.findall(r"sed -n '([^']+)' constraints.txt > headless.txt", DOCKERFILE)
    done = subprocess.run(
        ["sed", "-n", step, "constraints.txt"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (tested,) = (line for line in constraints if line.startswith("opencv-python=="))
    assert done.stdout.splitlines() == [tested.replace("python", "python-headless")]
    assert "opencv-python; python_version < '3'" in DOCKERFILE


def test_the_extras_of_the_installation_exist() -> None:
    extras = set(re.findall(r"--extra (\w+)", DOCKERFILE)) | set(
        re.findall(r'"emolens\[(\w+)\]"', PAGE + (ROOT / "docs/server.md").read_text("utf-8"))
    )
    assert "serve" in extras
    assert extras <= set(PROJECT["project"]["optional-dependencies"])


def test_the_command_of_the_image_is_one_of_emolens() -> None:
    assert json.loads(arguments_of("ENTRYPOINT")) == ["emolens"]
    given = parse(json.loads(arguments_of("CMD")))
    assert given["host"] == "0.0.0.0"  # noqa: S104 (inside a container)
    assert str(given["port"]) == arguments_of("EXPOSE")


class _Health(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def server_of_health(status: int) -> Iterator[int]:
    """A server whose `/readyz` answers a status; its port."""
    answering = type("_Answering", (_Health,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def health_check(port: int) -> int:
    """The exit code of the health check of the image."""
    text = arguments_of("HEALTHCHECK").partition("CMD ")[2]
    program, option, code = json.loads(text)
    assert (program, option) == ("python", "-c")
    assert code.count("8000") == 1
    # A proxy for the requests of the user is not for this one.
    environment = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    checked = [sys.executable, "-I", "-c", code.replace("8000", str(port))]
    return subprocess.run(checked, env=environment, capture_output=True, check=False).returncode


def test_the_health_check_tells_a_ready_server_from_others() -> None:
    for status, code in ((200, 0), (503, 1), (404, 1)):
        with server_of_health(status) as port:
            assert health_check(port) == code
    assert health_check(port) == 1  # nobody listens any more


def test_the_health_check_has_time_to_answer() -> None:
    options, _, code = arguments_of("HEALTHCHECK").partition("CMD ")
    times = dict(re.findall(r"--(\w[\w-]*)=(\d+)s", options))
    (own,) = re.findall(r"timeout=(\d+)", code)
    assert int(own) < int(times["timeout"]) < int(times["interval"])


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".env",
        ".venv-dev/bin/python",
        "keys.txt",
        "tests/conftest.py",
        "checkpoints/everyday.ckpt",
        "docs/guide.md",
        "src/emolens/__pycache__/__init__.cpython-313.pyc",
        "compose.yaml",
    ],
)
def test_the_build_gets_no_secrets_and_no_ballast(path: str) -> None:
    assert not is_sent(path)


def test_the_build_gets_all_that_the_wheel_is_built_from() -> None:
    project = PROJECT["project"]
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    fragments = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["fragments"]
    needed = [*project["license-files"], *wheel, *(one["path"] for one in fragments)]
    for path in (*needed, "pyproject.toml", "constraints.txt", "src/emolens/models/everyday.onnx"):
        assert (ROOT / path).exists()
        assert is_sent(path), path


def test_the_service_is_locked_up() -> None:
    assert SERVER["read_only"] is True
    assert SERVER["cap_drop"] == ["ALL"]
    assert SERVER["security_opt"] == ["no-new-privileges:true"]
    assert SERVER["tmpfs"][0].startswith("/tmp:")  # noqa: S108 (inside a container)
    assert {"mem_limit", "cpus", "pids_limit"} <= set(SERVER)
    assert SERVER["restart"] == "unless-stopped"
    assert "privileged" not in SERVER


def test_only_the_proxy_reaches_the_service() -> None:
    assert "ports" not in SERVER
    assert "network_mode" not in SERVER
    assert SERVER["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert "inside" in PROXY["networks"]
    assert PROXY["depends_on"]["emolens"] == {"condition": "service_healthy"}


def test_no_key_is_in_the_files() -> None:
    assert SERVER["environment"]["EMOLENS_KEY"].startswith("${EMOLENS_KEY:?")
    assert "EMOLENS_KEY" not in dict(instructions())


def test_the_command_of_the_service_is_one_of_emolens() -> None:
    words = [
        re.sub(r"\$\{EMOLENS_SITE[^}]*\}", "faces.example", word) for word in SERVER["command"]
    ]
    given = parse(words)
    assert given["origin"] == ["https://faces.example"]
    assert given["workers"] == SERVER["cpus"]


def test_the_command_on_the_page_has_the_locks_of_the_service() -> None:
    words = run_of_page()
    image = words.index(SERVER["image"])
    text = " ".join(words[:image])
    assert "--read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges" in text
    assert f"--memory {SERVER['mem_limit']} --cpus {SERVER['cpus']}" in text
    assert "--publish 127.0.0.1:8000:8000" in text
    given = parse(words[image + 1 :])
    assert given["workers"] == SERVER["cpus"]


def test_the_service_may_finish_its_requests() -> None:
    from emolens.server.settings import Limits

    (unit,) = (ROOT / "docs/deploy").glob("*.service")
    (until,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit.read_text("utf-8"), re.MULTILINE)
    assert int(SERVER["stop_grace_period"].removesuffix("s")) > Limits().stop_s + 2
    assert int(until) > Limits().stop_s + 2


def test_the_proxy_takes_the_largest_video_and_knows_the_service() -> None:
    from emolens.server.settings import Limits

    (megabytes,) = re.findall(r"max_size (\d+)MB", CADDYFILE)
    assert int(megabytes) * 1_000_000 == Limits().clip_bytes
    port = arguments_of("EXPOSE")
    assert f"reverse_proxy emolens:{port} {{" in CADDYFILE
    assert any(volume.startswith("./docs/deploy/Caddyfile:") for volume in PROXY["volumes"])


def test_the_unit_starts_the_server_as_a_user_without_rights() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names have capitals
    unit.read(ROOT / "docs/deploy/emolens.service")
    service = unit["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert program == "/opt/emolens/bin/emolens"
    assert parse(words)["host"] == "127.0.0.1"
    assert service["DynamicUser"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
