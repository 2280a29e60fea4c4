"""Which Postgres a command talks to, and what a person would type to reach the same.

Not the store: it only knows where Postgres is and says in words what to do when it is not there.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from ccmiddleware.cli.context import App
from ccmiddleware.errors import PermanentError, TemporaryError

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database

MASK = "***"
SCHEMA_DIFFERS = ("42P01", "3F000", "42703", "42883")
"""SQLSTATE of an unknown table, schema, column or function; PostgreSQL, appendix A."""

Rows = Sequence[Any]


@dataclass(frozen=True)
class Address:
    """Where Postgres is. ``url`` holds no password; ``password`` is empty when none is needed."""

    url: str
    password: str
    embedded: bool


def address(app: App) -> Address:
    """Where Postgres is for this configuration.

    Raises TemporaryError when the embedded server does not run, PermanentError when it runs and
    this user may not reach it, ConfigError when the password file can't be read.
    """
    settings = app.settings()
    if settings.database.url is None:
        from ccmiddleware.store.embedded import embedded_url

        url = embedded_url(settings.state_dir)
        if url is None:
            raise TemporaryError(
                f"no database: database.url is not set, and the embedded Postgres in "
                f"{settings.state_dir} runs only while the daemon does; start it (ccm run, or "
                "systemctl start ccmiddleware)"
            )
        return Address(url, "", embedded=True)
    url, password = split_password(settings.database.url.get_secret_value())
    if settings.database.password_file is not None:
        from ccmiddleware.store.database import read_password

        password = read_password(settings.database) or ""
    return Address(url, password, embedded=False)


@asynccontextmanager
async def opened(app: App) -> AsyncIterator["Database"]:
    """The store, for reading. Raises TemporaryError when Postgres is away.

    Errors that mean that the schema is not there or not that of this program say what to do.
    """
    from ccmiddleware.store.border import Rejected
    from ccmiddleware.store.database import Database

    where = address(app)
    try:
        async with Database(
            where.url,
            password=where.password or None,
            pool_size=2,
            command_timeout=app.settings().database.command_timeout,
            application_name="ccm",
        ) as database:
            yield database
    except Rejected as error:
        if error.sqlstate in SCHEMA_DIFFERS:
            raise PermanentError(
                f"the database has not the schema of this program: run `ccm db migrate` ({error})"
            ) from error
        raise


def without_password(url: str) -> str:
    """The URL with every password in it replaced, fit to be shown."""
    return split_password(url, MASK)[0]


def split_password(url: str, instead: str = "") -> tuple[str, str]:
    """The URL without its password, and the password. Both places that libpq knows are looked at.

    ``instead`` is put where a password was.
    """
    parts = urlsplit(url)
    password = ""
    netloc = parts.netloc
    user_part, at, host = netloc.rpartition("@")
    if at and ":" in user_part:
        user, _, quoted = user_part.partition(":")
        password = unquote(quoted)
        netloc = f"{user}:{instead}@{host}" if instead else f"{user}@{host}"
    query = parse_qsl(parts.query, keep_blank_values=True)
    given = [value for key, value in query if key == "password"]
    if given:
        password = given[-1]
        kept = [(key, value) for key, value in query if key != "password"]
        parts = parts._replace(query=encode_query(kept + ([("password", instead)] * bool(instead))))
    return join_url(parts._replace(netloc=netloc)), password


def encode_query(query: Sequence[tuple[str, str]]) -> str:
    """The part of a URL behind ``?``; spaces as %20, which is what libpq understands."""
    return urlencode(query, safe="/*", quote_via=quote)


def join_url(parts: SplitResult) -> str:
    """The whole URL. urlunsplit would drop the // where there is no host, and libpq needs it."""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"
