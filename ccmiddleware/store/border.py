"""The border to asyncpg: its errors, and the operating system's, become ours here.

``DatabaseAway`` means wait and try again, whatever it was; ``Rejected`` means that Postgres
understood and refused, and will again. Messages never hold a password: Postgres and asyncpg put
none into theirs, and the address, which may hold one, is not repeated.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from ccmiddleware.errors import PermanentError, TemporaryError

RETRY_CLASSES = frozenset({"08", "40", "53", "55", "57", "58", "XX"})
"""First two characters of SQLSTATE, PostgreSQL appendix A: connection, rolled back (deadlock,
serialization), no resources (disk, memory, connections), object in use, operator (shutdown,
cancelled), system error, internal error."""

RETRY_STATES = frozenset({"0A000", "25006", "25P03", "25P04"})
"""Cached plan after a change of the schema (asyncpg prepares anew), a read-only server after a
failover, and time limits of the server for idle or long transactions."""

DATA_CLASSES = frozenset({"21", "22", "23", "44", "54", "P0"})
"""Refused because of what was in the statement: cardinality, data, constraints, limits, RAISE."""

_CONNECTION_GONE = re.compile(r"clos(?:ed|ing)|released|operation is in progress")
"""asyncpg has one class for a connection that is gone and for wrong arguments."""

_PASSWORD_IN_URL = re.compile(r"(://[^\s/@:]*):[^\s@]*@")


class DatabaseAway(TemporaryError):
    """Postgres can't be reached, or did not get to do it; trying again later makes sense."""


class Rejected(PermanentError):
    """Postgres refused. ``sqlstate`` is its code, five characters."""

    def __init__(self, message: str, sqlstate: str) -> None:
        super().__init__(f"{message} ({sqlstate})")
        self.sqlstate = sqlstate

    @property
    def about_data(self) -> bool:
        """Whether it was for what the data are, and not for schema, rights or password."""
        return self.sqlstate[:2] in DATA_CLASSES


@contextmanager
def translated() -> Iterator[None]:
    """Within this, errors of asyncpg and of the network are DatabaseAway and Rejected."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _of_postgres(error) from error
    except asyncpg.InternalClientError as error:
        # "cannot switch to state …": the first query on a connection that a restart cut off.
        raise DatabaseAway(f"connection lost: {error}") from error
    except asyncpg.exceptions.ClientConfigurationError as error:
        raise Rejected(f"the address of the database can't be used: {error}", "08001") from error
    except asyncpg.InterfaceError as error:
        if _CONNECTION_GONE.search(str(error)) is None:
            raise  # wrong use of the library: a bug of ours
        raise DatabaseAway(f"connection unusable: {error}") from error
    except TimeoutError as error:
        raise DatabaseAway("Postgres did not answer in time") from error
    except OSError as error:
        raise DatabaseAway(f"Postgres can't be reached: {error}") from error


def _of_postgres(error: asyncpg.PostgresError) -> TemporaryError | PermanentError:
    state = error.sqlstate or "XX000"
    message = str(error.args[0]) if error.args else type(error).__name__
    if state[:2] in RETRY_CLASSES or state in RETRY_STATES:
        return DatabaseAway(f"{message} ({state})")
    return Rejected(message, state)


def without_password(url: str) -> str:
    """``url`` with the password in it replaced, for messages."""
    return _PASSWORD_IN_URL.sub(r"\1:***@", url)
