"""Health and metrics over real HTTP."""

import asyncio
import json
import socket

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from ccmiddleware.config import WebSettings
from ccmiddleware.errors import ConfigError
from ccmiddleware.web.health import Health, Part, Status
from ccmiddleware.web.metrics import Metrics
from ccmiddleware.web.server import application, is_loopback, names_this_machine, serving

LOCAL = WebSettings(port=0)


def healthy() -> Health:
    return Health(
        "1.2.3",
        (
            Part("ami:pbx1", "ok", figures={"reconnects": 2}),
            Part("database", "degraded", "away since 10:00", {"backlog_bytes": 4096}),
        ),
    )


async def get(
    port: int, path: str, *, host: str | None = None, method: str = "GET"
) -> tuple[int, str, dict[str, str]]:
    headers = {} if host is None else {"Host": host}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
        session.request(method, f"http://127.0.0.1:{port}{path}", headers=headers) as response,
    ):
        return response.status, await response.text(), dict(response.headers)


async def test_healthz_shows_every_part() -> None:
    async with serving(LOCAL, healthy, CollectorRegistry()) as port:
        status, body, headers = await get(port, "/healthz")

    assert status == 200
    assert headers["Content-Type"].startswith("application/json")
    assert headers["Cache-Control"] == "no-store"
    assert json.loads(body) == {
        "status": "degraded",
        "version": "1.2.3",
        "parts": {
            "ami:pbx1": {"status": "ok", "detail": "", "reconnects": 2},
            "database": {
                "status": "degraded",
                "detail": "away since 10:00",
                "backlog_bytes": 4096,
            },
        },
    }


@pytest.mark.parametrize(
    ("parts", "expected", "code"),
    [
        ([], "ok", 200),
        (["ok", "ok"], "ok", 200),
        (["ok", "degraded"], "degraded", 200),
        (["degraded", "failed", "ok"], "failed", 503),
    ],
)
async def test_the_worst_part_decides(parts: list[Status], expected: str, code: int) -> None:
    health = Health("1", tuple(Part(str(at), status) for at, status in enumerate(parts)))
    async with serving(LOCAL, lambda: health, CollectorRegistry()) as port:
        status, body, _ = await get(port, "/healthz")

    assert (json.loads(body)["status"], status) == (expected, code)


async def test_metrics_are_those_of_the_registry() -> None:
    metrics, other = Metrics(), Metrics()
    metrics.link("pbx1", "ami").received.inc(5)
    other.link("pbx2", "ami").received.inc(7)
    async with serving(LOCAL, healthy, metrics.registry) as port:
        status, body, headers = await get(port, "/metrics")

    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    assert 'ccm_events_received_total{link="ami",node="pbx1"} 5.0' in body
    assert "pbx2" not in body


async def test_nothing_else_is_there_and_nothing_can_be_sent() -> None:
    async with serving(LOCAL, healthy, CollectorRegistry()) as port:
        missing = await get(port, "/")
        posted = await get(port, "/healthz", method="POST")
        head = await get(port, "/healthz", method="HEAD")

    assert (missing[0], posted[0], head[0]) == (404, 405, 200)
    assert missing[2]["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9733", "[::1]:9733"])
async def test_names_of_this_machine_are_answered(host: str) -> None:
    async with serving(LOCAL, healthy, CollectorRegistry()) as port:
        assert (await get(port, "/metrics", host=host))[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example:9733", "localhost.evil.example", "10.0.0.1", ""],
)
async def test_other_names_are_refused_on_loopback(host: str) -> None:
    async with serving(LOCAL, healthy, CollectorRegistry()) as port:
        status, body, _ = await get(port, "/healthz", host=host)

    assert status == 403
    assert "localhost" in body
    assert "1.2.3" not in body


async def test_a_request_without_a_host_is_refused_on_loopback() -> None:
    async with serving(LOCAL, healthy, CollectorRegistry()) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert b" 403 " in answer.splitlines()[0]


async def test_on_another_address_any_name_will_do() -> None:
    everywhere = application(WebSettings(host="0.0.0.0"), healthy, CollectorRegistry())  # noqa: S104
    async with TestServer(everywhere, host="127.0.0.1") as server:
        assert server.port is not None
        assert (await get(server.port, "/healthz", host="pbx.example:9733"))[0] == 200


async def test_a_port_in_use_is_a_config_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=str(port)):
            async with serving(WebSettings(port=port), healthy, CollectorRegistry()):
                pytest.fail("it listens on a port that is taken")


async def test_stopping_frees_the_port_with_a_client_connected() -> None:
    async with asyncio.timeout(20):
        async with serving(LOCAL, healthy, CollectorRegistry()) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        async with serving(WebSettings(port=port), healthy, CollectorRegistry()) as again:
            assert again == port


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("localhost:80", True),
        ("127.8.8.8", True),
        ("[::1]", True),
        ("::1", False),
        ("user@localhost", False),
        ("localhost/../x", False),
        ("evil.example#localhost", False),
        ("localhost:notaport", False),
        ("[::1", False),
        ("2130706433", False),
        ("0.0.0.0", False),  # noqa: S104
    ],
)
def test_what_counts_as_a_name_of_this_machine(header: str, expected: bool) -> None:
    assert names_this_machine(header) is expected


def test_what_counts_as_loopback() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "Localhost", "127.0.0.9")] == [
        True
    ] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "pbx", "10.1.1.1")] == [False] * 4  # noqa: S104
