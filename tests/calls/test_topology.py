"""Who is connected to whom."""

from pbx_story import at

from ccmiddleware.calls.topology import Topology, interface_of
from ccmiddleware.pbx.events import BridgeEnter, Newchannel


class Exchange:
    """A topology, and short words to change it. A channel's unique id is its name."""

    def __init__(self, *channels: str) -> None:
        self.topology = Topology()
        for channel in channels:
            self.topology.appear(Newchannel(at=at(0), channel=channel, uniqueid=channel))

    def enter(self, bridge: str, *channels: str) -> None:
        for channel in channels:
            self.topology.enter(
                BridgeEnter(at=at(0), channel=channel, uniqueid=channel, bridge_id=bridge)
            )


def test_channels_in_one_bridge_are_peers() -> None:
    exchange = Exchange("PJSIP/a-1", "PJSIP/b-1", "PJSIP/c-1")
    exchange.enter("one", "PJSIP/a-1", "PJSIP/b-1", "PJSIP/c-1")
    assert exchange.topology.peers("PJSIP/a-1") == {"PJSIP/b-1", "PJSIP/c-1"}
    exchange.topology.leave("PJSIP/b-1", "one")
    assert exchange.topology.peers("PJSIP/a-1") == {"PJSIP/c-1"}
    assert exchange.topology.peers("PJSIP/b-1") == set()


def test_local_channels_lead_on_and_are_no_peers_themselves() -> None:
    locals_ = ("Local/1001@agents-1;1", "Local/1001@agents-1;2")
    exchange = Exchange("PJSIP/a-1", *locals_, "PJSIP/1001-1")
    exchange.enter("one", "PJSIP/a-1", locals_[0])
    assert exchange.topology.peers("PJSIP/a-1") == set()
    exchange.enter("two", locals_[1], "PJSIP/1001-1")
    assert exchange.topology.peers("PJSIP/a-1") == {"PJSIP/1001-1"}
    assert exchange.topology.peers("PJSIP/1001-1") == {"PJSIP/a-1"}
    exchange.topology.vanish(locals_[0])
    assert exchange.topology.peers("PJSIP/a-1") == set()


def test_a_channel_is_in_one_bridge_at_a_time() -> None:
    exchange = Exchange("PJSIP/a-1", "PJSIP/b-1", "PJSIP/c-1")
    exchange.enter("one", "PJSIP/a-1", "PJSIP/b-1")
    exchange.enter("two", "PJSIP/a-1", "PJSIP/c-1")
    assert exchange.topology.peers("PJSIP/a-1") == {"PJSIP/c-1"}
    assert exchange.topology.peers("PJSIP/b-1") == set()


def test_leaving_a_bridge_it_is_in_no_more_changes_nothing() -> None:
    exchange = Exchange("PJSIP/a-1", "PJSIP/b-1")
    exchange.enter("one", "PJSIP/a-1", "PJSIP/b-1")
    exchange.enter("two", "PJSIP/a-1", "PJSIP/b-1")
    exchange.topology.leave("PJSIP/a-1", "one")
    assert exchange.topology.peers("PJSIP/a-1") == {"PJSIP/b-1"}


def test_what_is_gone_leaves_nothing_behind() -> None:
    exchange = Exchange("PJSIP/a-1", "Local/x@y-1;1", "Local/x@y-1;2")
    exchange.enter("one", "PJSIP/a-1", "Local/x@y-1;1")
    for channel in ("PJSIP/a-1", "Local/x@y-1;1", "Local/x@y-1;2", "PJSIP/never"):
        exchange.topology.vanish(channel)
    assert exchange.topology.channels == {}
    assert vars(exchange.topology)["_bridges"] == {}
    assert vars(exchange.topology)["_halves"] == {}


def test_interfaces_are_read_from_channel_names() -> None:
    assert interface_of("PJSIP/1001-0000002a") == "PJSIP/1001"
    assert interface_of("PJSIP/north-east-0000002a") == "PJSIP/north-east"
    assert interface_of("Local/1001@agents-00000003;2") == "Local/1001@agents"
    assert interface_of("strange") == "strange"
