"""A configured ``ccm``: without servers, on an empty database, on the database of one small day."""

import asyncio
from pathlib import Path

import pytest
from ccm_day import AUDIO, RECORDING, Ccm, a_day, put


@pytest.fixture
def ccm(tmp_path: Path) -> Ccm:
    """``ccm`` with a configuration that has everything but a reachable server."""
    made = Ccm(tmp_path)
    made.recordings.mkdir()
    made.write(
        f"""
state_dir = "{tmp_path / "state"}"
[[node]]
name = "pbx1"
recordings = "{made.recordings}"
[node.ami]
port = 1
secret = "5up3r-s3cret"
connect_timeout = 2
[web]
port = 1
"""
    )
    return made


@pytest.fixture
def on_database(ccm: Ccm, database_url: str) -> Ccm:
    """The same with an empty, migrated database."""
    ccm.write(ccm.config.read_text() + f'[database]\nurl = "{database_url}"\n')
    return ccm


@pytest.fixture
def filled(on_database: Ccm, database_url: str) -> Ccm:
    """The same with an answered and recorded call, and one that a hostile caller abandoned."""
    file = on_database.recordings / RECORDING
    file.parent.mkdir(parents=True)
    file.write_bytes(AUDIO)
    asyncio.run(put(database_url, on_database.directory / "journal", a_day()))
    return on_database
