import httpx
import pytest

from emolens.client.failures import error_of_answer, error_of_record
from emolens.contract import ErrorRecord
from emolens.core import errors
from emolens.core.errors import BusyError, EmolensError, MissingExtraError, ServerError
from tests.unit.client.conftest import OpenClient
from tests.unit.client.fake_server import ADDRESS, error_answer

CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, EmolensError)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_code_raises_its_class_with_the_message_of_the_server(
    open_client: OpenClient, kind: type[EmolensError]
) -> None:
    client = open_client(lambda _: error_answer(422, kind.code, "a.jpg: no."), retries=0)
    with pytest.raises(EmolensError) as caught:
        client.models()
    # What is missing on the server must not be installed here.
    expected = ServerError if kind is MissingExtraError else kind
    assert type(caught.value) is expected
    assert "a.jpg: no." in str(caught.value)
    assert caught.value.__notes__ == ["ID of the request in the log of the server: r-1"]


def test_busy_servers_say_when_to_come_back(open_client: OpenClient) -> None:
    answer = error_answer(503, "busy", headers={"Retry-After": "7"})
    client = open_client(lambda _: answer, retries=0)
    with pytest.raises(BusyError) as caught:
        client.models()
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize("code", ["internal", "method_not_allowed", "of_a_later_version"])
def test_unknown_codes_name_the_server_and_the_code(code: str) -> None:
    error = error_of_record(ErrorRecord(code=code, message="Something."), ADDRESS)
    assert type(error) is ServerError
    assert str(error).startswith(f"the server at {ADDRESS} failed ({code}): Something.")


def test_a_redirect_is_not_followed(open_client: OpenClient) -> None:
    answer = httpx.Response(307, headers={"Location": "https://elsewhere.example/"})
    client = open_client(lambda _: answer, key="a-key")
    with pytest.raises(ServerError, match=r"redirects to 'https://elsewhere.example/'"):
        client.models()
    assert [request.url.host for request in client.requests] == ["faces.example"]


def test_errors_of_proxies_name_the_status() -> None:
    error = error_of_answer(502, {}, b"<html>Bad Gateway</html>", ADDRESS)
    assert type(error) is ServerError
    assert "it has the status 502 and no error record" in str(error)
    busy = error_of_answer(503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"", ADDRESS)
    assert isinstance(busy, BusyError)
    assert busy.retry_after_s == 1


def test_a_server_that_cannot_be_reached_is_named(open_client: OpenClient) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused", request=request)

    client = open_client(refuse, retries=0)
    with pytest.raises(
        ServerError,
        match=r"^cannot reach the server at https://faces.example: \[Errno 111\] Connection "
        r"refused. Check the address, and start the server with `emolens serve`.$",
    ):
        client.models()


def test_a_silent_server_is_a_timeout(open_client: OpenClient) -> None:
    def stall(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    client = open_client(stall)
    with pytest.raises(errors.RequestTimeoutError, match="does not answer in time"):
        client.analyze(b"jpeg")
    assert len(client.requests) == 1, "a server that is slow gets no more work"
