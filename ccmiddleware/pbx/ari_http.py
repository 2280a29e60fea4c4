"""How the ARI client speaks HTTP: URLs, login, timeouts, and errors in our vocabulary.

Data can't become syntax: every part of a path is percent-quoted, everything else is a query
parameter or JSON. Nothing is retried here.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from ccmiddleware.config import AriSettings
from ccmiddleware.errors import ConfigError, PermanentError, TemporaryError
from ccmiddleware.pbx import ari_model as model
from ccmiddleware.plaintext import plain

T = TypeVar("T")
_JSON = {"Content-Type": "application/json"}

KEEP_ALIVE = 5.0
"""Seconds an idle connection is kept: well below the 15 s after which Asterisk closes it, so that
no request is sent into a closing connection."""


class AriUnavailable(TemporaryError):
    """ARI did not answer, not in time, or with a server error: it may have done what was asked."""


class AriRefused(PermanentError):
    """ARI said no. ``status`` is the HTTP status, ``message`` Asterisk's own words."""

    def __init__(self, node: str, status: int, message: str) -> None:
        super().__init__(f"ARI of node {node} refused ({status}): {message}")
        self.node = node
        self.status = status
        self.message = message


class NotFound(AriRefused):
    """What the operation names is not there (any more)."""


class Denied(AriRefused):
    """User or secret are wrong, or the user may only read."""


def open_session() -> aiohttp.ClientSession:
    """A session as ARI needs it; one serves any number of nodes. The caller closes it.

    No cookies, no proxy from the environment: nothing may come between us and Asterisk unasked.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(keepalive_timeout=KEEP_ALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def base_url(settings: AriSettings) -> URL:
    """The checked base URL, without a slash at its end. Raises ConfigError."""
    try:
        url = URL(settings.url)
    except ValueError as error:
        raise ConfigError([f"ari.url: {error}"]) from None
    if url.user is not None or url.password is not None:
        raise ConfigError(["ari.url must not hold user and secret; set ari.user and secret_file"])
    if url.host is None or url.query_string or url.fragment:
        raise ConfigError(["ari.url must be http://HOST:PORT/ari, without query and fragment"])
    return url.with_path(url.path.rstrip("/"))


def authorization(settings: AriSettings) -> dict[str, str]:
    """The header that logs in (RFC 7617, UTF-8). Raises ConfigError."""
    if ":" in settings.user:
        raise ConfigError(["ari.user must not hold a colon"])
    login = f"{settings.user}:{settings.reveal()}".encode()
    return {"Authorization": "Basic " + base64.b64encode(login).decode()}


class AriHttp:
    """One base URL with its login. Safe for any number of requests at once."""

    def __init__(self, node: str, settings: AriSettings, session: aiohttp.ClientSession) -> None:
        """Raises ConfigError when URL or secret can't be used."""
        self.node = node
        self._base = str(base_url(settings))
        self._headers = authorization(settings)
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=settings.timeout)

    async def ask(
        self, kind: type[T], method: str, *path: str, body: Any = None, **params: Any
    ) -> T:
        """The answer to a request as ``kind``. Parameters that are None or empty are not sent.

        Raises AriUnavailable, AriRefused and its kinds.
        """
        answer = await self._request(method, path, params, body)
        try:
            return model.decode(answer, kind)
        except ValueError as error:
            raise AriRefused(
                self.node, 200, f"{self._base} does not answer as ARI does: {error}"
            ) from None

    async def do(self, method: str, *path: str, body: Any = None, **params: Any) -> None:
        """Like ``ask``, for requests whose answer says no more than that it was done."""
        await self._request(method, path, params, body)

    def listed(self, values: Sequence[str]) -> str:
        """Values for a parameter in which Asterisk separates by commas. Raises AriRefused."""
        if not values or any("," in value or not value for value in values):
            raise AriRefused(self.node, 400, "a list needs items, and none with a comma")
        return ",".join(values)

    async def _request(
        self, method: str, path: Sequence[str], params: Mapping[str, Any], body: Any
    ) -> bytes:
        query, content = self._checked(params, body)
        try:
            async with self._session.request(
                method,
                self._url(path),
                params=query,
                data=content,
                headers=self._headers if content is None else self._headers | _JSON,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                status, answer = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) or f"no answer within {self._timeout.total:g} s"
            raise AriUnavailable(f"ARI of node {self.node} is not reachable: {why}") from None
        if status >= 300:
            raise self._error(status, answer)
        return answer

    def _checked(self, params: Mapping[str, Any], body: Any) -> tuple[dict[str, str], bytes | None]:
        """Query and body, refused where Asterisk would silently read something else."""
        query = {name: _text(value) for name, value in params.items() if value not in ("", None)}
        try:
            content = None if body is None else msgspec.json.encode(body)
            if "\0" in "".join(query.values()):
                raise AriRefused(self.node, 400, "a value holds a NUL character")
            "".join(query.values()).encode()
        except UnicodeEncodeError:
            raise AriRefused(self.node, 400, "a value is not valid Unicode") from None
        return query, content

    def _url(self, path: Sequence[str]) -> URL:
        """The URL of ``path``, one item per part, whatever characters they hold.

        Empty, ``.`` and ``..`` can't be quoted so that every server takes them for names, and
        Asterisk cuts at a NUL: nothing has such a name, so nothing is asked.
        """
        if any(part in ("", ".", "..") or "\0" in part for part in path):
            raise NotFound(self.node, 404, f"nothing has this name: {plain(repr(path[-1]), 80)}")
        parts = "".join("/" + quote(part, safe="", errors="replace") for part in path)
        return URL(self._base + parts, encoded=True)

    def _error(self, status: int, content: bytes) -> AriUnavailable | AriRefused:
        message = _message(content)
        if status >= 500:
            return AriUnavailable(f"ARI of node {self.node} failed ({status}): {message}")
        if status == 404:
            return NotFound(self.node, status, message)
        if status in (401, 403):
            return Denied(self.node, status, message)
        return AriRefused(self.node, status, message)


def _text(value: str | bool | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _message(content: bytes) -> str:
    """Asterisk's words in the body of an error: ``message``; ``error`` from its HTTP server."""
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError):
        return "no reason given"
    if isinstance(body, dict):
        for key in ("message", "error"):
            if isinstance(body.get(key), str):
                return plain(body[key], 200)
    return "no reason given"
