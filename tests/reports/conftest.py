"""What the tests of the reports share: the store, open on a fresh database."""

from collections.abc import AsyncIterator

import pytest

from ccmiddleware.store.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The store as commands use it: with the rights of the daemon's role."""
    async with Database(database_url) as opened:
        yield opened
