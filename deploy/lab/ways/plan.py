"""The PBX on which the ways are played: queues of every habit, and the features of a real one.

Queues have no members: each way logs in those whom it is about (Stage.members).
"""

from lab.plan import Agent, Plan, Queue

GROUP = ("call_group = 1", "pickup_group = 1")

AGENTS = (
    Agent("1001", "Alice Arnold", GROUP),
    Agent("1002", "Jörg Müller", GROUP),
    Agent("1003", "Chen Wei", GROUP),
    Agent("1004", "Dana O'Neil", (*GROUP, "rtp_timeout = 2")),
)

# Trunk numbers. Those up to …10 lead to a queue of the plan, the others are in DIALPLAN.
SUPPORT, SALES, ALL, TINY, STRICT, LEAVING, PATIENT, KEYS, ANNOUNCED, TWICE = (
    f"120255501{number:02}" for number in range(1, 11)
)
FEATURES, AGAIN, OVERFLOW, VOICEMAIL, FIRST, GREETED = (
    f"120255501{number:02}" for number in range(11, 17)
)
OUTSIDE = "012025550177"
"""What an agent dials to reach somebody outside."""
NOWHERE = "9999"
"""What no dialplan of the lab knows."""

BLIND, ATTENDED, DISCONNECT, PARK = "#1", "*2", "*0", "#72"
COMPLETE, ABORT, THREE_WAY, SWAP = "*2", "*1", "*3", "*4"
"""Keys of features.conf, in a talk and while the agent asks a colleague."""

DIALPLAN = f"""
[trunk]
; Agents and callers may transfer and hang up by keys here.
exten => {FEATURES},1,Answer()
 same => n,Queue(support,tThH)
 same => n,Wait(0.3)
 same => n,Hangup()

[agents]
exten => 7000,1,Answer()
 same => n,ConfBridge(room)
exten => 7001,1,Answer()
 same => n,Wait(30)
exten => 7002,1,Stasis(ways)
"""

FEATURES_CONF = f"""\
[general]
transferdigittimeout = 2
atxfernoanswertimeout = 3
atxferdropcall = no
atxfercallbackretries = 0
atxferabort = {ABORT}
atxfercomplete = {COMPLETE}
atxferthreeway = {THREE_WAY}
atxferswap = {SWAP}
pickupexten = *8

[featuremap]
blindxfer => {BLIND}
disconnect => {DISCONNECT}
atxfer => {ATTENDED}
parkcall => {PARK}
"""

CONFBRIDGE_CONF = """\
[general]

[default_user]
type = user
quiet = yes
"""


def queue(name: str, did: str, **habits: object) -> Queue:
    """A queue without members that rings for 2 s; ``habits`` are fields of Queue."""
    return Queue(name, did, members=(), **{"strategy": "linear", "ring": 2, **habits})  # type: ignore[arg-type]


PLAN = Plan(
    agents=AGENTS,
    queues=(
        queue("support", SUPPORT),
        queue("sales", SALES),
        queue("all", ALL, strategy="ringall"),
    ),
    dialplan=DIALPLAN,
    files={"features.conf": FEATURES_CONF, "confbridge.conf": CONFBRIDGE_CONF},
)
