"""The PBX on which the ways are played: queues of every habit, and the features of a real one.

Queues have no members: each way logs in those whom it is about (Stage.members).
"""

from lab.asterisk import SHIPPED
from lab.plan import Agent, Plan, Queue

GROUP = ("call_group = 1", "pickup_group = 1")

AGENTS = (
    Agent("1001", "Alice Arnold", GROUP),
    Agent("1002", "Jörg Müller", GROUP),
    Agent("1003", "Chen Wei", GROUP),
    Agent("1004", "Dana O'Neil", (*GROUP, "rtp_timeout = 2")),
)

# Trunk numbers of queues (PLAN), and those that DIALPLAN handles.
(
    SUPPORT, SALES, ALL, TINY, STRICT, LEAVING, BRIEF, KEYS, PAUSING, WRAPPING, BOTH, POOL,
) = (f"120255501{number:02}" for number in range(1, 13))  # fmt: skip
FEATURES, AGAIN, OVERFLOW, VOICEMAIL, URGENT, GREETED, DIRECT = (
    f"120255501{number:02}" for number in range(21, 28)
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
; Agents and callers may transfer, park and hang up by keys here.
exten => {FEATURES},1,Answer()
 same => n,Queue(support,tThHkK)
 same => n,Wait(0.3)
 same => n,Hangup()

exten => {AGAIN},1,Answer()
 same => n,Queue(support,c)
 same => n,Queue(support)
 same => n,Hangup()

exten => {OVERFLOW},1,Answer()
 same => n,Queue(support,,,,2)
 same => n,Queue(sales)
 same => n,Hangup()

exten => {VOICEMAIL},1,Answer()
 same => n,Queue(support,,,,2)
 same => n,Record(${{ASTSPOOLDIR}}/message.wav,0,2,q)
 same => n,Hangup()

exten => {URGENT},1,Answer()
 same => n,Set(QUEUE_PRIO=10)
 same => n,Queue(support)
 same => n,Hangup()

; The agent hears 5 s of something before the caller is put through.
exten => {GREETED},1,Answer()
 same => n,Queue(support,,,${{ASTSPOOLDIR}}/../music/quiet)
 same => n,Hangup()

exten => {DIRECT},1,Dial(PJSIP/1001,2)
 same => n,Hangup()

[exits]
exten => 2,1,Queue(sales)
 same => n,Hangup()
exten => 3,1,Gosub(ccm-callback-ask,s,1(keys))
 same => n,Hangup()

[ccm-callback-customer]
exten => _12025XXXXXX,1,Dial(PJSIP/${{EXTEN}}@outside)
 same => n,Hangup(${{HANGUPCAUSE}})
#include "ccm-callbacks.conf"
#include "ccm-dial.conf"

[agents]
exten => 7000,1,Answer()
 same => n,ConfBridge(room)
exten => 7001,1,Answer()
 same => n,Wait(30)
exten => 7002,1,Stasis(ways)
exten => 7003,1,Answer()
 same => n,AgentLogin(100,s)
; 7 before an extension rings it only for 2 s; 8 listens, 9 takes part.
exten => _71XXX,1,Dial(PJSIP/${{EXTEN:1}},2)
 same => n,Hangup()
exten => _81XXX,1,Answer()
 same => n,ChanSpy(PJSIP/${{EXTEN:1}},qES)
 same => n,Hangup()
exten => _91XXX,1,Answer()
 same => n,ChanSpy(PJSIP/${{EXTEN:1}},qBES)
 same => n,Hangup()
exten => _*81XXX,1,PickupChan(PJSIP/${{EXTEN:2}})
 same => n,Hangup()
include => parkedcalls

[pool]
exten => 100,1,AgentRequest(100)
 same => n,Hangup()
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


PARKING_CONF = """\
[default]
parkext => 700
parkpos => 701-709
context => parkedcalls
parkingtime = 5
comebacktoorigin = yes
comebackdialtime = 10
"""

AGENTS_CONF = """\
[general]

[100]
fullname = Alice Arnold
"""

PLAN = Plan(
    agents=AGENTS,
    queues=(
        queue("support", SUPPORT),
        queue("sales", SALES),
        queue("all", ALL, strategy="ringall"),
        queue("tiny", TINY, maxlen=1),
        queue("strict", STRICT, joinempty="strict"),
        queue("leaving", LEAVING, leavewhenempty="strict"),
        queue("brief", BRIEF, patience=2),
        queue("keys", KEYS, keys="", more=("context = exits",)),
        queue("pausing", PAUSING, more=("autopause = yes",)),
        queue("wrapping", WRAPPING, wrapup=3),
        queue("both", BOTH, ring=4, more=("ringinuse = yes",)),
        queue("pool", POOL),
    ),
    manager=("ccm-dial.conf",),
    dialplan=DIALPLAN,
    files={
        "features.conf": FEATURES_CONF,
        "confbridge.conf": CONFBRIDGE_CONF,
        "res_parking.conf": PARKING_CONF,
        "agents.conf": AGENTS_CONF,
        **{
            name: (SHIPPED / "dialplan" / name).read_text()
            for name in ("ccm-callbacks.conf", "ccm-dial.conf")
        },
    },
)
