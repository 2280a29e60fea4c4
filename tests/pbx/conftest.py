"""A scripted manager interface for the tests of the AMI link."""

from collections.abc import AsyncIterator

import pytest
from ami_peer import Peer


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """A peer that behaves; stopped, with all its connections, after the test."""
    peer = Peer()
    await peer.start()
    yield peer
    await peer.stop()
