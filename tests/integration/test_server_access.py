"""Who may use the server, checked before a byte of a body is read (G17)."""

import socket
from collections.abc import Iterator

import pytest

from emolens.media.sample import sample_image
from tests.raw_http import Answer, connect, exchange, read_answer
from tests.raw_stream import TEXT, frame, handshake, opened_stream
from tests.server_process import ServerProcess, running_server

pytestmark = pytest.mark.slow

KEY = "a-key-of-more-than-24-characters"
BEARER = f"Bearer {KEY}"
SITE = "https://faces.example"
JPEG = sample_image().read_bytes()
# Everything that needs a key.
PROTECTED = [
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/v1/models"),
    ("POST", "/v1/analyze"),
    ("POST", "/v1/explain"),
    ("POST", "/v1/jobs"),
    ("GET", "/v1/jobs/any"),
    ("GET", "/v1/jobs/any/table"),
    ("DELETE", "/v1/jobs/any"),
    ("POST", "/v1/tickets"),
    ("GET", "/nothing"),
    ("OPTIONS", "/v1/analyze"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without keys."""
    with running_server(tmp_path_factory.mktemp("open"), origins=(SITE,)) as running:
        yield running


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a key."""
    with running_server(tmp_path_factory.mktemp("keyed"), key=KEY, origins=(SITE,)) as running:
        yield running


class TestKeys:
    @pytest.mark.parametrize(("method", "path"), PROTECTED)
    def test_without_a_key_all_but_the_health_is_refused(
        self, keyed: ServerProcess, method: str, path: str
    ) -> None:
        answer = keyed.ask(method, path)
        assert (answer.status, answer.error_code) == (401, "access")
        assert answer.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize("path", ["/livez", "/readyz", "/"])
    def test_the_health_and_the_page_need_no_key(self, keyed: ServerProcess, path: str) -> None:
        assert keyed.ask("GET", path).status == 200

    def test_the_key_in_the_header_opens(self, keyed: ServerProcess) -> None:
        answer = keyed.ask("POST", "/v1/analyze", body=JPEG, Authorization=BEARER)
        assert answer.status == 200

    @pytest.mark.parametrize(
        "value",
        [
            KEY,
            "Bearer",
            "Bearer ",
            f"Bearer {KEY}x",
            f"Bearer {KEY[:-1]}",
            f"Bearer {KEY.upper()}",
            f"Basic {KEY}",
            "Bearer \xff\xfe",
            "Bearer " + "a" * 60_000,
        ],
    )
    def test_other_values_do_not_open(self, keyed: ServerProcess, value: str) -> None:
        answer = keyed.ask("GET", "/v1/models", Authorization=value)
        assert (answer.status, answer.error_code) == (401, "access")

    @pytest.mark.parametrize("name", ["key", "api_key", "access_token", "Authorization", "ticket"])
    def test_a_key_in_the_address_does_not_open(self, keyed: ServerProcess, name: str) -> None:
        assert keyed.ask("GET", f"/v1/models?{name}={KEY}").status == 401

    @pytest.mark.parametrize(
        "lines",
        [
            ["Content-Length: 9999999"],
            ["Content-Length: 9999999", "Expect: 100-continue"],
            ["Transfer-Encoding: chunked"],
            ["Transfer-Encoding: chunked", "Expect: 100-continue"],
        ],
    )
    @pytest.mark.parametrize("path", ["/v1/analyze", "/v1/explain", "/v1/jobs"])
    def test_the_refusal_needs_no_byte_of_the_body(
        self, keyed: ServerProcess, path: str, lines: list[str]
    ) -> None:
        answer = only_head(keyed.port, path, lines)
        assert answer.status == 401
        assert answer.seconds < 1.0

    def test_the_key_is_in_no_log_and_no_answer(self, keyed: ServerProcess) -> None:
        answers = [
            keyed.ask("POST", f"/v1/analyze?name={KEY}", body=b"x", Authorization=BEARER),
            keyed.ask("GET", f"/{KEY}", Authorization=BEARER),
            keyed.ask("GET", "/metrics", Authorization=BEARER),
            keyed.ask("GET", f"/v1/models?key={KEY}"),
            keyed.ask("GET", "/v1/models", Authorization=f"Basic {KEY}"),
            keyed.ask("GET", "/livez", X_Request_ID=BEARER),
        ]
        # The first answer names the image, as asked.
        assert all(KEY.encode() not in answer.body for answer in answers[1:])
        assert all(KEY not in str(answer.headers) for answer in answers)
        assert KEY not in keyed.log.read_text()

    def test_jobs_of_others_do_not_exist(self, keyed: ServerProcess) -> None:
        answer = keyed.ask("GET", "/v1/jobs/unknown", Authorization=BEARER)
        assert (answer.status, answer.error_code) == (404, "not_found")


def only_head(port: int, path: str, lines: list[str]) -> Answer:
    head = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines, "", ""]
    with connect(port) as connection:
        connection.sendall("\r\n".join(head).encode())
        return read_answer(connection)


class TestTickets:
    def test_a_ticket_opens_one_stream_once(self, keyed: ServerProcess) -> None:
        start = start_with(ticket_of(keyed))
        with opened_stream(keyed.port, start):
            pass
        assert_ticket_refused(keyed, start)

    @pytest.mark.parametrize("ticket", ["", "unknown", KEY, "a" * 256])
    def test_other_tickets_do_not_open(self, keyed: ServerProcess, ticket: str) -> None:
        assert_ticket_refused(keyed, start_with(ticket))

    def test_a_stream_without_ticket_is_refused(self, keyed: ServerProcess) -> None:
        assert_ticket_refused(keyed, b'{"type": "start"}')

    def test_the_key_opens_a_stream_without_ticket(self, keyed: ServerProcess) -> None:
        with opened_stream(keyed.port, Authorization=BEARER):
            pass

    def test_a_wrong_key_is_refused_instead_of_the_handshake(self, keyed: ServerProcess) -> None:
        answer = exchange(keyed.port, handshake(keyed.port, Authorization="Bearer wrong"))
        assert (answer.status, answer.error_code) == (401, "access")

    def test_a_ticket_opens_nothing_else(self, keyed: ServerProcess) -> None:
        ticket = ticket_of(keyed)
        assert keyed.ask("GET", "/v1/models", Authorization=f"Bearer {ticket}").status == 401

    def test_waiting_tickets_are_limited(self, keyed: ServerProcess) -> None:
        request = (
            f"POST /v1/tickets HTTP/1.1\r\nHost: localhost\r\nAuthorization: {BEARER}\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()
        statuses = []
        with connect(keyed.port) as connection:
            for _ in range(1001):
                connection.sendall(request)
                answer = read_answer(connection)
                statuses.append(answer.status)
        assert statuses.count(200) >= 900
        assert (answer.status, answer.error_code) == (503, "busy")
        assert int(answer.headers["retry-after"]) >= 1


def ticket_of(server: ServerProcess) -> str:
    ticket: str = server.ask("POST", "/v1/tickets", Authorization=BEARER).json()["ticket"]
    return ticket


def start_with(ticket: str) -> bytes:
    return b'{"type": "start", "ticket": "%s"}' % ticket.encode()


def assert_ticket_refused(server: ServerProcess, start: bytes) -> None:
    with opened_stream(server.port, start=None) as stream:
        stream.send(frame(TEXT, start))
        assert stream.receive_json()["error"]["code"] == "access"
        assert stream.close_code() == 1008


class TestOrigins:
    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "null",
            "",
            "http://faces.example",
            "https://faces.example.evil.example",
            "https://faces.example:8443",
            "https://evilfaces.example",
            "http://127.0.0.1:1",
            "http://localhost",
            "file://",
            "\xff",
            "https://[",
        ],
    )
    def test_pages_of_other_sites_are_refused(self, server: ServerProcess, origin: str) -> None:
        answer = server.ask("POST", "/v1/analyze", body=JPEG, Origin=origin)
        assert (answer.status, answer.error_code) == (403, "origin")
        assert "access-control-allow-origin" not in answer.headers
        stream = exchange(server.port, handshake(server.port, Origin=origin))
        assert (stream.status, stream.error_code) == (403, "origin")

    def test_pages_of_other_sites_are_refused_even_with_a_key(self, keyed: ServerProcess) -> None:
        evil = "https://evil.example"
        answer = keyed.ask("GET", "/v1/models", Authorization=BEARER, Origin=evil)
        assert answer.status == 403
        opening = handshake(keyed.port, Authorization=BEARER, Origin=evil)
        assert exchange(keyed.port, opening).status == 403

    def test_the_servers_own_page_is_allowed(self, server: ServerProcess) -> None:
        own = f"http://{server.address}"
        answer = server.ask("GET", "/v1/models", Origin=own)
        assert answer.status == 200
        assert "access-control-allow-origin" not in answer.headers
        with opened_stream(server.port, Origin=own):
            pass

    @pytest.mark.parametrize("origin", [SITE, SITE.upper()])
    def test_allowed_sites_get_the_headers_that_browsers_need(
        self, server: ServerProcess, origin: str
    ) -> None:
        for answer in (
            server.ask("GET", "/v1/models", Origin=origin),
            server.ask("POST", "/v1/analyze", body=b"x", Origin=origin),
        ):
            assert answer.headers["access-control-allow-origin"] == origin
            assert "Origin" in answer.headers["vary"]
            assert "access-control-allow-credentials" not in answer.headers
        with opened_stream(server.port, Origin=origin):
            pass

    def test_a_preflight_of_an_allowed_site_needs_no_key(self, keyed: ServerProcess) -> None:
        answer = keyed.ask(
            "OPTIONS", "/v1/analyze", Origin=SITE, Access_Control_Request_Method="POST"
        )
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == SITE
        assert "Authorization" in answer.headers["access-control-allow-headers"]

    def test_a_preflight_of_another_site_is_refused(self, keyed: ServerProcess) -> None:
        answer = keyed.ask(
            "OPTIONS",
            "/v1/analyze",
            Origin="https://evil.example",
            Access_Control_Request_Method="POST",
        )
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers


class TestHosts:
    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:80",
            "127.0.0.1.evil.example",
            "",
            "192.0.2.1",
            "a@localhost",
        ],
    )
    def test_other_names_of_the_server_are_refused(self, server: ServerProcess, host: str) -> None:
        answer = server.ask("GET", "/v1/models", Host=host)
        assert (answer.status, answer.error_code) == (403, "origin")
        assert exchange(server.port, handshake(server.port, Host=host)).status == 403

    def test_a_name_that_points_here_is_no_own_origin(self, server: ServerProcess) -> None:
        host = f"evil.example:{server.port}"
        assert server.ask("GET", "/", Host=host, Origin=f"http://{host}").status == 403

    def test_a_request_without_a_host_is_refused(self, server: ServerProcess) -> None:
        assert exchange(server.port, b"GET /v1/models HTTP/1.1\r\n\r\n").status in (400, 403)
        assert exchange(server.port, b"GET /v1/models HTTP/1.0\r\n\r\n").status in (400, 403)

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:80", "127.0.0.2"])
    def test_names_of_this_computer_are_allowed(self, server: ServerProcess, host: str) -> None:
        assert server.ask("GET", "/v1/models", Host=host).status == 200

    @pytest.mark.parametrize("host", ["[", "[::1", "[zz]", "\xff", "a" * 9000])
    def test_damaged_hosts_are_refused(self, server: ServerProcess, host: str) -> None:
        answer = server.ask("GET", "/v1/models", Host=host)
        assert answer.status in (400, 403), answer

    def test_only_this_computer_reaches_the_server(self, server: ServerProcess) -> None:
        with pytest.raises(OSError):  # noqa: PT011 (refused or unreachable)
            socket.create_connection(("127.0.0.2", server.port), timeout=2)
