"""What the tests of the SQL views share: a connection to a fresh, migrated database."""

from collections.abc import AsyncIterator

import asyncpg
import pytest


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose time zone is UTC."""
    connection = await asyncpg.connect(
        database_url, timeout=30, command_timeout=60, server_settings={"timezone": "UTC"}
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=30)
