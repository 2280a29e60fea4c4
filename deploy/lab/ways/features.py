"""Transfers, hang-up and three-way by the keys of features.conf, in calls of Queue(…,tThH)."""

from lab.script import Answer, Obey, Ring
from lab.ways.plan import (
    ABORT,
    ATTENDED,
    BLIND,
    COMPLETE,
    DISCONNECT,
    FEATURES,
    OUTSIDE,
    SALES,
    THREE_WAY,
)
from lab.ways.stage import Stage

PROMPT = 1.6
"""Seconds after the transfer key until digits are taken (Asterisk says "transfer" first)."""


async def _transfer(stage: Stage, key: str, number: str) -> None:
    """A caller talks to 1001, who presses ``key`` and dials ``number``."""
    await stage.members("support", "1001")
    await stage.call(FEATURES)
    await stage.connected()
    await stage.phone("1001").press(key)
    await stage.talk(PROMPT)
    await stage.phone("1001").press(number)


async def keys_blind_to_agent(stage: Stage) -> None:
    """The agent transfers blindly by key (#1) to a colleague, who answers."""
    await _transfer(stage, BLIND, "1002")
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def keys_blind_to_queue(stage: Stage) -> None:
    """The agent transfers blindly by key to another queue, where a colleague answers."""
    await stage.members("sales", "1002")
    await _transfer(stage, BLIND, SALES)
    await stage.connected(2)
    await stage.phone("1002").hang_up()


async def keys_blind_nowhere(stage: Stage) -> None:
    """The agent transfers by key to a wrong number: Asterisk says so, and the talk goes on."""
    await _transfer(stage, BLIND, "9999")
    await stage.talk(4)
    await stage.phone("1001").hang_up()


async def keys_attended_to_agent(stage: Stage) -> None:
    """The agent asks a colleague by key (*2), and hangs up: caller and colleague are joined."""
    await _transfer(stage, ATTENDED, "1002")
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1001").hang_up()
    await stage.event("AttendedTransfer")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def keys_attended_completed_by_key(stage: Stage) -> None:
    """The same to somebody outside, completed by key (*2) instead of by hanging up."""
    await _transfer(stage, ATTENDED, OUTSIDE)
    await stage.phone("outside").seen("answered")
    await stage.talk()
    await stage.phone("1001").press(COMPLETE)
    await stage.event("AttendedTransfer")
    await stage.talk()
    await stage.phone("outside").hang_up()


async def keys_attended_ringing(stage: Stage) -> None:
    """The agent hangs up while the colleague's phone rings; the colleague answers."""
    await stage.phones(a1002=[Answer(2), Obey()])
    await _transfer(stage, ATTENDED, "1002")
    await stage.phone("1002").seen("offered")
    await stage.talk(0.6)
    await stage.phone("1001").hang_up()
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1002").hang_up()


async def keys_attended_no_answer(stage: Stage) -> None:
    """The colleague does not answer (atxfernoanswertimeout); agent and caller talk on."""
    await stage.phones(a1002=[Ring()])
    await _transfer(stage, ATTENDED, "1002")
    await stage.phone("1002").seen("cancelled")
    await stage.talk(2)
    await stage.phone("1001").hang_up()


async def keys_attended_given_up(stage: Stage) -> None:
    """The agent asks a colleague and takes the caller back by key (*1)."""
    await _transfer(stage, ATTENDED, "1002")
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1001").press(ABORT)
    await stage.phone("1002").seen("ended")
    await stage.talk()
    await stage.phone("1001").hang_up()


async def keys_three_way(stage: Stage) -> None:
    """The agent asks a colleague and joins all three by key (*3); then the agent leaves."""
    await _transfer(stage, ATTENDED, "1002")
    await stage.phone("1002").seen("answered")
    await stage.talk()
    await stage.phone("1001").press(THREE_WAY)
    await stage.event("AttendedTransfer")
    await stage.talk()
    await stage.phone("1001").hang_up()
    await stage.talk()
    await stage.phone("1002").hang_up()


async def keys_agent_disconnects(stage: Stage) -> None:
    """The agent ends the call by key (*0): the caller goes on in the dialplan."""
    await stage.members("support", "1001")
    await stage.call(FEATURES)
    await stage.connected()
    await stage.phone("1001").press(DISCONNECT)


async def keys_caller_disconnects(stage: Stage) -> None:
    """The caller ends the call by key (*0)."""
    await stage.members("support", "1001")
    caller = await stage.call(FEATURES)
    await stage.connected()
    await caller.press(DISCONNECT)


WAYS = (
    keys_blind_to_agent, keys_blind_to_queue, keys_blind_nowhere, keys_attended_to_agent,
    keys_attended_completed_by_key, keys_attended_ringing, keys_attended_no_answer,
    keys_attended_given_up, keys_three_way, keys_agent_disconnects, keys_caller_disconnects,
)  # fmt: skip
