"""What Asterisk is asked for an attempt: the fields of its Originate. Pure.

docs/dialing-calls.md lists the variables. Every value is checked against what the dialplan library
lets through: a comma or a line end in one would set another variable, or begin another action.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from ccmiddleware.dialer.attempts import Claimed
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.values import Value
from ccmiddleware.ids import dial_id

NUMBER = re.compile(r"\+[1-9][0-9]{3,14}")
TRUNK = re.compile(r"[A-Za-z][A-Za-z0-9]*/[A-Za-z0-9_@:/.+*#;-]*")
SOUND = re.compile(r"[A-Za-z0-9_./-]{1,200}")
QUEUE = re.compile(r"[A-Za-z0-9_.-]{1,80}")
OFFER = re.compile(r"[0-9a-z.-]{1,80}")
AGENT = re.compile(r"[A-Za-z0-9]{1,20}/[A-Za-z0-9_.@+/-]{1,100}")
"""Interfaces that the dialplan library lets through."""
HALF = re.compile(r"[A-Za-z0-9]{1,20}/[A-Za-z0-9_.@+/;-]{1,120}")
KEY_NAMES = {**{str(digit): str(digit) for digit in range(10)}, "*": "STAR", "#": "HASH"}
ACTION = re.compile(r"agent|repeat|opt_out|hangup|queue:[A-Za-z0-9_.-]{1,80}")

END = 'CHANNEL(hangup_handler_push)="ccm-dial-end,s,1"'
"""Tells how the call ended, also when nobody answered."""


def dial_string(template: str, number: str) -> str:
    """What a trunk dials for a number: ``{number}`` has the +, ``{digits}`` has not.

    Raises ValueError for what is no number or would make no dial string.
    """
    if NUMBER.fullmatch(number) is None:
        raise ValueError(f"{number!r} is no number with + and country code")
    found = template.replace("{number}", number).replace("{digits}", number[1:])
    if TRUNK.fullmatch(found) is None:
        raise ValueError(f"{found!r} is nothing that a trunk could dial")
    return found


def originate(
    campaign: Campaign, claimed: Claimed, template: str, now: datetime
) -> dict[str, str | list[str]]:
    """The fields of the Originate of an attempt, by a trunk that dials ``template``.

    Raises ValueError when a setting is not what the dialplan would let through.
    """
    holds = campaign.holds
    channel = dial_id(claimed.attempt, int(now.timestamp()))
    if NUMBER.fullmatch(claimed.caller_id) is None:
        raise ValueError(f"{claimed.caller_id!r} is no number to show")
    return {
        "Channel": dial_string(template, claimed.number),
        "ChannelId": channel,
        # OriginateResponse has no id of a channel that could not even be made.
        "ActionID": channel,
        "CallerID": f"<{claimed.caller_id}>",
        "Context": "ccm-dial",
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
        "Timeout": str(int(holds["ring_seconds"]) * 1000),
        "Variable": [
            END,
            *_meets(claimed),
            *(
                f"CCM_DIAL_{name}={value}"
                for name, value in _variables(campaign, channel, claimed, holds).items()
            ),
        ],
    }


def is_sampled(attempt: UUID, share: float) -> bool:
    """Whether this attempt goes to an agent if it is taken for a machine. ``share``: in percent.

    By the attempt's own random bits: the same whenever it is asked.
    """
    return attempt.int % 10_000 < share * 100


def _meets(claimed: Claimed) -> list[str]:
    """With whom alone the party is joined, where an agent waits for it."""
    if not claimed.offer:
        return []
    found = {"OFFER": (OFFER, claimed.offer), "AGENT": (AGENT, claimed.agent)}
    offer, agent = (_fits(pattern, name, value) for name, (pattern, value) in found.items())
    half = _fits(HALF, "the agent's channel", claimed.half)
    return [
        f"CCM_PREVIEW_OFFER={offer}",
        f"CCM_DIAL_AGENT={agent}",
        f"CCM_DIAL_AGENT_CHANNEL={half}",
        # By this the agent's dialplan sees that the call is there.
        f"GROUP(ccm-preview)={offer}",
    ]


def _variables(
    campaign: Campaign, channel: str, claimed: Claimed, holds: Mapping[str, Value]
) -> dict[str, str]:
    limit = campaign.profile.terms.agent_seconds.value
    found = {"ATTEMPT": channel, "NUMBER": claimed.number, "LIMIT": str(round(limit * 1000))}
    if holds["queue"] is not None:
        found["QUEUE"] = _fits(QUEUE, "queue", holds["queue"])
    if holds["opt_out_key"] is not None:
        found["OPT_OUT"] = _fits(re.compile("[0-9*#]"), "opt_out_key", holds["opt_out_key"])
    for name, key in (("MESSAGE", "safe_harbour_message"), ("MACHINE", "machine_message")):
        if holds[key] is not None:
            found[name] = _fits(SOUND, key, holds[key])
    if holds["detection"]:
        found["DETECT"] = str(round(float(holds["detection_seconds"]) * 1000))
        share = float(holds["detection_sample"]) if holds["mode"] != "agentless" else 0.0
        if is_sampled(claimed.attempt, share):
            found["SAMPLE"] = "1"
    if holds["mode"] == "agentless":
        found["AGENTLESS"] = _fits(SOUND, "agentless_message", holds["agentless_message"])
        for key, action in (holds["agentless_keys"] or {}).items():
            found[f"KEY_{KEY_NAMES[key]}"] = _fits(ACTION, "agentless_keys", action)
    return found


def _fits(pattern: re.Pattern[str], key: str, value: Value) -> str:
    text = str(value)
    if pattern.fullmatch(text) is None:
        raise ValueError(f"{key}: the dialplan library does not let {text!r} through")
    return text
