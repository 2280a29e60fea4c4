"""A real Postgres for tests: one server for each pytest process, one fresh database for each test.

A pytest plugin, named in tests/conftest.py. The server is the product's own embedded one without
fsync; the databases are copies of a template to which all migrations were applied once.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from ccmiddleware.store.embedded import EmbeddedPostgres
from ccmiddleware.store.migrations import migrate

TEMPLATE = "ccm_template"
TIMEOUT = 60


def with_database(url: str, name: str) -> str:
    """``url`` with another database name."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


class Databases:
    """Makes and drops databases, on an event loop of its own that no test ever sees."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._directory = Path(tempfile.mkdtemp(prefix="ccm-test-"))
        self._server = EmbeddedPostgres(self._directory, fast_unsafe=True)
        self._numbers = count(1)
        # The death signal of the server follows this thread, which is pytest's main one.
        self._url = self._loop.run_until_complete(self._server.start())
        self._admin: asyncpg.Connection = self._loop.run_until_complete(
            asyncpg.connect(with_database(self._url, "postgres"), timeout=TIMEOUT)
        )
        self.template = self._create(TEMPLATE)
        self._loop.run_until_complete(migrate(self.template))

    def _run(self, sql: str) -> None:
        self._loop.run_until_complete(self._admin.execute(sql, timeout=TIMEOUT))

    def _create(self, name: str, template: str = "template0") -> str:
        self._run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return with_database(self._url, name)

    def fresh(self, *, migrated: bool = True) -> tuple[str, str]:
        """A new database: its name and its address."""
        name = f"test_{next(self._numbers)}"
        return name, self._create(name, TEMPLATE if migrated else "template0")

    def drop(self, name: str) -> None:
        """Drop a database even if a test left connections open."""
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """Stop the server and remove all it had."""
        self._loop.run_until_complete(self._admin.close(timeout=TIMEOUT))
        self._loop.run_until_complete(self._server.stop())
        self._loop.close()
        shutil.rmtree(self._directory)


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The server of this pytest process."""
    server = Databases()
    yield server
    server.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The address of a fresh, migrated database; its user may do everything."""
    name, url = databases.fresh()
    yield url
    databases.drop(name)


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """The address of a fresh database without any schema."""
    name, url = databases.fresh(migrated=False)
    yield url
    databases.drop(name)
