"""The way to Postgres for everybody: a pool of connections and queries that have names.

Each query is one file ``queries/NAME.sql`` whose first line, ``-- …``, says what it is for. The
pool connects when it is first needed and again after every outage, so a daemon starts and goes on
without Postgres; whoever asks meanwhile gets DatabaseAway. No retries here: the caller knows
whether to wait. All errors are those of ``border``.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any, Self

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from ccmiddleware.config import DatabaseSettings
from ccmiddleware.errors import ConfigError
from ccmiddleware.store.border import DatabaseAway, translated

Row = asyncpg.Record
"""A row: ``row["column"]``, ``dict(row)``, ``row.keys()``."""

CONNECT_TIMEOUT = 10.0
ACQUIRE_TIMEOUT = 10.0
"""Seconds to wait for a free connection; asyncpg itself would wait for ever."""

CLOSE_TIMEOUT = 5.0
FROZEN_SECONDS = 4.0
"""A daemon that is silent for so long, where it would not be, counts as frozen: Postgres ends its
transactions and takes its locks away."""

ROLE = "ccm_app"
"""Role the daemon works as, where it exists and we are a member: it owns nothing."""

JSONB_VERSION = b"\x01"
"""First byte of the binary format of jsonb, jsonb_send() in Postgres' jsonb.c."""


@dataclass(frozen=True)
class Query:
    """A named query and what it is for."""

    name: str
    description: str
    sql: str


@cache
def queries() -> dict[str, Query]:
    """All queries by name."""
    found: dict[str, Query] = {}
    for file in (files("ccmiddleware.store") / "queries").iterdir():
        name, dot, kind = file.name.rpartition(".")
        if dot and kind == "sql":
            text = file.read_text(encoding="utf-8")
            first, _, _ = text.partition("\n")
            found[name] = Query(name, first.removeprefix("--").strip(), text)
    return found


class Session:
    """Runs queries on one connection; made by ``Database.session`` and ``transaction``."""

    def __init__(self, connection: PoolConnectionProxy) -> None:
        self._connection = connection

    async def fetch(self, name: str, *arguments: Any) -> list[Row]:
        """All rows of a named query."""
        return await self.rows(queries()[name].sql, *arguments)

    async def fetchrow(self, name: str, *arguments: Any) -> Row | None:
        """The first row of a named query, or None."""
        with translated():
            return await self._connection.fetchrow(queries()[name].sql, *arguments)

    async def fetchval(self, name: str, *arguments: Any) -> Any:
        """The first column of the first row of a named query, or None."""
        with translated():
            return await self._connection.fetchval(queries()[name].sql, *arguments)

    async def execute(self, name: str, *arguments: Any) -> int:
        """Run a named query; the number of rows it touched."""
        with translated():
            status: str = await self._connection.execute(queries()[name].sql, *arguments)
        count = status.rsplit(" ", 1)[-1]
        return int(count) if count.isdecimal() else 0

    async def copy(self, table: str, columns: Sequence[str], lines: bytes) -> None:
        """Copy rows, written as COPY has them as text, into a table of ours."""
        with translated():
            await self._connection.copy_to_table(
                table,
                schema_name="ccm",
                columns=list(columns),
                source=BytesIO(lines),
                encoding="utf8",
            )

    async def rows(self, sql: str, *arguments: Any) -> list[Row]:
        """All rows of a query that has no name, such as one on a report view.

        Values go through ``arguments`` only; a caller that puts a name into ``sql`` has checked it
        against a list.
        """
        with translated():
            return await self._connection.fetch(sql, *arguments)


class _Connection(asyncpg.Connection):
    """A connection of the pool. Nothing that is done on one outlives its transaction, so that there
    is nothing to reset behind each statement: that would be a second one."""

    def get_reset_query(self) -> str:
        """What asyncpg sends when a connection goes back to the pool."""
        return ""


class Database:
    """A pool of connections. ``open`` and ``close`` it, or use ``async with``."""

    def __init__(
        self,
        url: str,
        *,
        password: str | None = None,
        pool_size: int = 5,
        command_timeout: float = 30.0,
        role: str | None = ROLE,
        application_name: str = "ccmiddleware",
        idle_timeout: float = 0,
    ) -> None:
        """``command_timeout``: seconds for one statement. ``role``: None keeps the login's own.

        ``idle_timeout``: seconds after which Postgres ends a transaction in which nothing happens;
        0 for never.
        """
        self._url = url
        self._password = password
        self._pool_size = pool_size
        self._command_timeout = command_timeout
        self._role = role
        self._application_name = application_name
        self._idle_timeout = idle_timeout
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._places = asyncio.Semaphore(pool_size)
        self._at_hand: list[PoolConnectionProxy] = []
        """Connections taken from the pool that nobody uses now."""

    @classmethod
    def from_settings(cls, settings: DatabaseSettings, url: str) -> Self:
        """For the daemon, at ``url``: ``settings.url`` or the embedded server's.

        Raises ConfigError when the password file can't be read.
        """
        return cls(
            url,
            password=read_password(settings),
            pool_size=settings.pool_size,
            command_timeout=settings.command_timeout,
            idle_timeout=FROZEN_SECONDS,
        )

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Make the pool. Does not connect yet, so it works while Postgres is away."""
        async with self._opening:
            if self._pool is None:
                with translated():
                    self._pool = await asyncpg.create_pool(
                        self._url,
                        password=self._password,
                        min_size=0,
                        max_size=self._pool_size,
                        timeout=CONNECT_TIMEOUT,
                        command_timeout=self._command_timeout,
                        server_settings={
                            "application_name": self._application_name,
                            "timezone": "UTC",
                            "idle_in_transaction_session_timeout": milliseconds(self._idle_timeout),
                        },
                        init=self._prepare,
                        connection_class=_Connection,
                    )

    async def close(self) -> None:
        """Close all connections; those in use after CLOSE_TIMEOUT are cut off."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                while self._at_hand:
                    await _give_back(pool, self._at_hand.pop())
                await pool.close()
        except TimeoutError:
            pool.terminate()

    def cut_off(self) -> None:
        """Drop all connections at once, whatever they are doing; nobody gets another one."""
        if self._pool is not None:
            self._pool.terminate()

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        await prepare(connection, self._role)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """One connection; each statement is its own transaction."""
        async with self._connection() as connection:
            yield Session(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """One transaction: committed at the end, rolled back when an exception leaves it."""
        async with self._connection() as connection:
            transaction = connection.transaction()
            with translated():
                await transaction.start()
            try:
                yield Session(connection)
            except BaseException:
                # Without a connection there is nothing left to roll back; the reason goes on.
                with suppress(DatabaseAway), translated():
                    await transaction.rollback()
                raise
            with translated():
                await transaction.commit()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[PoolConnectionProxy]:
        """A connection. One on which all went well is kept at hand: the pool makes two tasks and
        two timers to give one and to take it back, which costs more than a small statement."""
        if self._pool is None:
            raise DatabaseAway("the connection pool is closed")
        pool = self._pool
        with translated():
            async with asyncio.timeout(ACQUIRE_TIMEOUT if self._places.locked() else None):
                await self._places.acquire()
        try:
            connection = await self._taken(pool)
            try:
                yield connection
            except BaseException:
                # It may be in the middle of something.
                await _give_back(pool, connection)
                raise
            if self._pool is pool:
                self._at_hand.append(connection)
            else:
                await _give_back(pool, connection)
        finally:
            self._places.release()

    async def _taken(self, pool: asyncpg.Pool) -> PoolConnectionProxy:
        while self._at_hand:
            connection = self._at_hand.pop()
            if _is_whole(connection):
                return connection
            await _give_back(pool, connection)
        with translated():
            return await pool.acquire(timeout=ACQUIRE_TIMEOUT)

    async def fetch(self, name: str, *arguments: Any) -> list[Row]:
        """All rows of a named query."""
        async with self.session() as session:
            return await session.fetch(name, *arguments)

    async def fetchrow(self, name: str, *arguments: Any) -> Row | None:
        """The first row of a named query, or None."""
        async with self.session() as session:
            return await session.fetchrow(name, *arguments)

    async def fetchval(self, name: str, *arguments: Any) -> Any:
        """The first column of the first row of a named query, or None."""
        async with self.session() as session:
            return await session.fetchval(name, *arguments)

    async def execute(self, name: str, *arguments: Any) -> int:
        """Run a named query in a transaction of its own; the number of rows it touched."""
        async with self.session() as session:
            return await session.execute(name, *arguments)

    async def rows(self, sql: str, *arguments: Any) -> list[Row]:
        """All rows of a query that has no name; see ``Session.rows``."""
        async with self.session() as session:
            return await session.rows(sql, *arguments)

    async def server_version(self) -> str:
        """Version of Postgres, such as 18.4: the cheapest proof that it can be reached."""
        version: str = await self.fetchval("server_version")
        return version


async def prepare(connection: asyncpg.Connection, role: str | None) -> None:
    """Set up a new connection of the pool; what is set here stays."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_encode_jsonb,
        decoder=_decode_jsonb,
        format="binary",
    )
    if role is not None:
        await connection.execute(queries()["take_role"].sql, role)


def _is_whole(connection: PoolConnectionProxy) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False  # it was lost, and the pool has taken note of that


async def _give_back(pool: asyncpg.Pool, connection: PoolConnectionProxy) -> None:
    # A connection that can't be reset is thrown away by asyncpg; what was done is done.
    with suppress(DatabaseAway), translated():
        await pool.release(connection, timeout=ACQUIRE_TIMEOUT)


def milliseconds(seconds: float) -> str:
    """A time as Postgres' settings take it."""
    return str(round(seconds * 1000))


def read_password(settings: DatabaseSettings) -> str | None:
    """The password in ``password_file``; None where none is set. Raises ConfigError."""
    if settings.password_file is None:
        return None
    try:
        text = settings.password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"database.password_file {settings.password_file}: {error}"]) from None
    if not text:
        raise ConfigError([f"database.password_file {settings.password_file} is empty"])
    return text


def _encode_jsonb(value: Any) -> bytes:
    """Bytes are JSON already and go through as they are."""
    return JSONB_VERSION + (value if isinstance(value, bytes) else msgspec.json.encode(value))


def _decode_jsonb(value: bytes) -> Any:
    return msgspec.json.decode(value[1:])
