"""The AMI link on a real Asterisk: what it answers, and how its ways to go away look."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from ami_peer import DEADLINE, linked, until
from lab.asterisk import Asterisk
from lab.root import servers

from ccmiddleware.pbx.actions import MAX_LINE, MAX_LINES
from ccmiddleware.pbx.events import QueueMember, QueueParams, QueueStatusComplete, Shutdown
from ccmiddleware.pbx.link import ActionRefused, LinkDown, LinkUp

pytestmark = pytest.mark.lab


@pytest.fixture
async def pbx() -> AsyncIterator[Asterisk]:
    async with Asterisk(servers(print)) as asterisk:
        yield asterisk


def to(pbx: Asterisk, **changes: Any) -> dict[str, Any]:
    """The settings that lead to this PBX."""
    reach = {"host": pbx.host, "port": pbx.ami_port, "user": pbx.user, "secret": pbx.ami_secret}
    return reach | changes


async def test_what_a_real_asterisk_answers(pbx: Asterisk) -> None:
    async with linked(None, **to(pbx)) as run:
        await run.up()
        assert run.link.state.banner.startswith("Asterisk Call Manager/")
        items = await run.link.send_list("QueueStatus")
        names = {item["Event"] for item in items}
        assert names == {"QueueParams", "QueueMember"}
        await until(lambda: run.of(QueueStatusComplete))
        [end] = run.of(QueueStatusComplete)
        assert end.items == len(items) == len(run.of(QueueParams)) + len(run.of(QueueMember))
        with pytest.raises(ActionRefused, match="Permission denied"):
            await run.link.send("Command", {"Command": "core stop now"})
        # The longest action that is let through is one that Asterisk takes.
        longest = "x" * (MAX_LINE - len("Long: \r\n"))
        answer = await run.link.send("Ping", {"Long": longest, "Many": ["x"] * (MAX_LINES - 3)})
        assert answer.headers["Ping"] == "Pong"
        assert run.link.state.malformed == 0

    async with linked(None, **to(pbx, secret="wrong")) as run:
        await until(lambda: run.link.state.auth_refused)
        assert "Authentication failed" in run.link.state.reason


async def test_frozen_killed_and_stopped(pbx: Asterisk) -> None:
    quick = {"ping_interval": 0.5, "ping_timeout": 3.0}
    async with linked(None, **to(pbx, **quick)) as run:
        await run.up()
        await pbx.freeze()
        await until(lambda: run.of(LinkDown))
        assert "did not answer a ping" in run.of(LinkDown)[0].reason
        pbx.thaw()
        await run.up(epoch=2)

        await pbx.kill()
        await until(lambda: len(run.of(LinkDown)) == 2)
        await pbx.restart()
        await run.up(epoch=3)

        await pbx.stop()
        await until(lambda: len(run.of(LinkDown)) == 3, DEADLINE)
        kinds = [type(item) for item in run.items if isinstance(item, LinkUp | LinkDown | Shutdown)]
        assert kinds == [LinkUp, LinkDown, LinkUp, LinkDown, LinkUp, Shutdown, LinkDown]
