"""A pool and a journal for the tests of the store."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ccmiddleware.config import JournalSettings
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a fresh, migrated database, with the rights of the daemon."""
    async with Database(database_url) as pool:
        yield pool


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal in small files."""
    made = Journal(tmp_path / "journal", JournalSettings(segment_bytes=64 * 1024))
    made.open()
    yield made
    made.close()
