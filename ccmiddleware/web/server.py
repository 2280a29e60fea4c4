"""``/healthz`` and ``/metrics`` over HTTP.

No login and no encryption: it listens on loopback unless the operator says otherwise, and shows
figures, never contents of interactions. On loopback only requests for a name of this machine are
answered, so that a web page on the operator's own browser can't read it through a DNS name that
it points to 127.0.0.1 (DNS rebinding).
"""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from yarl import URL

from ccmiddleware.config import LOOPBACK, WebSettings
from ccmiddleware.errors import ConfigError
from ccmiddleware.web.health import Health

log = structlog.get_logger(__name__)

STOP_TIMEOUT = 2.0
"""Seconds that requests have to end when the server stops."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(
    settings: WebSettings, health: Callable[[], Health], registry: CollectorRegistry
) -> AsyncIterator[int]:
    """Serve while the context is open; gives the port.

    ``health`` is called for each request and must answer at once, from memory. Raises ConfigError
    when the address can't be used.
    """
    runner = web.AppRunner(
        application(settings, health, registry),
        access_log=None,  # one line for each scrape says nothing
        shutdown_timeout=STOP_TIMEOUT,
        handle_signals=False,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            raise ConfigError(
                [f"web: can't listen on {settings.host} port {settings.port}: {error.strerror}"]
            ) from None
        port: int = runner.addresses[0][1]
        log.info("web_listening", host=settings.host, port=port)
        yield port
    finally:
        try:
            # Twice the time, since open connections are closed after the requests have ended.
            async with asyncio.timeout(2 * STOP_TIMEOUT + 1):
                await runner.cleanup()
        except TimeoutError:
            log.warning("web_not_closed_in_time", host=settings.host)


def application(
    settings: WebSettings, health: Callable[[], Health], registry: CollectorRegistry
) -> web.Application:
    """What ``serving`` serves: guarded by the Host header if it is to listen on loopback."""

    async def healthz(_request: web.Request) -> web.Response:
        now = health()
        return web.Response(
            body=msgspec.json.encode(now.as_json()),
            status=503 if now.status == "failed" else 200,
            content_type="application/json",
        )

    async def metrics(_request: web.Request) -> web.Response:
        # It takes about 24 microseconds for each series, so it is done beside the loop.
        text = await asyncio.to_thread(generate_latest, registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    middlewares = [_careful]
    if is_loopback(settings.host):
        middlewares.append(_only_local_names)
    made = web.Application(middlewares=middlewares)
    made.router.add_get("/healthz", healthz)
    made.router.add_get("/metrics", metrics)
    return made


@web.middleware
async def _careful(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Nothing here is to be kept, embedded or taken for another type."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers["Cache-Control"] = "no-store"
        raise
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@web.middleware
async def _only_local_names(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not names_this_machine(request.headers.get("Host", "")):
        raise web.HTTPForbidden(text="This is only for http://localhost and its addresses.\n")
    return await handler(request)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is a name or an address of loopback."""
    if host.lower() in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_this_machine(header: str) -> bool:
    """Whether a Host header (``name[:port]``, ``[v6][:port]``) is for loopback."""
    if any(c in header for c in "/?#@\\"):
        return False
    try:
        host = URL(f"http://{header}").host
    except ValueError:
        return False
    return host is not None and is_loopback(host)
