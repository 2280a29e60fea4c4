"""A pool for the tests of email."""

from collections.abc import AsyncIterator

import pytest

from ccmiddleware.store.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a fresh, migrated database, with the rights of the daemon."""
    async with Database(database_url) as pool:
        yield pool
