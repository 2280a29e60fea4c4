"""What may be set of a campaign: keys, what each may hold, and what is refused how. Pure.

Checked here by whoever edits, and again by whoever applies, since rows may come from elsewhere.
What is set is one object by key (``ccm.campaign.settings``). Besides the keys of KEYS there is one
for each code that agents give: ``disposition.CODE``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ccmiddleware.dialer import values
from ccmiddleware.dialer.holidays import Holiday
from ccmiddleware.dialer.profiles import Cap
from ccmiddleware.dialer.retry import DEFAULT, DEFAULT_TEXT, RetryRules, parse_retry
from ccmiddleware.dialer.values import InvalidCampaign, Parse, Value
from ccmiddleware.dialer.windows import CampaignHours
from ccmiddleware.queues.hours import parse_week

MODES = ("preview", "progressive", "power", "predictive", "agentless")

DISPOSITION = re.compile(r"disposition\.([A-Za-z0-9_.-]{1,40})")

TRANSITIONS = {
    "start": (("draft", "paused", "stopped"), "running"),
    "pause": (("running",), "paused"),
    "stop": (("running", "paused"), "stopped"),
}
"""What may be done with a campaign: in which states, and the state that follows."""

FIXED = ("node",)
"""Keys that can't be changed while a campaign runs or pauses: its calls are there."""


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return str(value)


@dataclass(frozen=True)
class Key:
    """One setting. ``parse`` makes the value of what was typed, or raises InvalidCampaign;
    ``show`` is its way back. ``default`` holds where nothing is set."""

    name: str
    parse: Parse
    help: str
    default: Value = None
    show: Callable[[Value], str] = _plain


KEYS: dict[str, Key] = {
    key.name: key
    for key in (
        Key("mode", values.one_of(*MODES), "how it dials: " + ", ".join(MODES), "progressive"),
        Key("node", values.word(values.TRUNK, "name of a node"), "the Asterisk node that dials"),
        Key("queue", values.queue_name, "the queue whose agents talk"),
        Key("profile", values.profile_name, "the law that holds: us-ftc, uk-ofcom, or your own"),
        Key(
            "trunks",
            values.several(values.trunk_name, 20),
            "ways out, the preferred first: t1,t2",
        ),
        Key(
            "caller_ids",
            values.several(values.caller_id, 500),
            "numbers shown, in turn; for an area behind its beginning: +12125550100,"
            "+1305:+13055550100",
        ),
        Key("ring_seconds", values.whole(5, 120), "how long it rings", 25),
        Key("max_lines", values.whole(1, 10_000), "most calls at once", 100),
        Key("lines_per_agent", values.decimal("1", "20"), "most calls at once for each agent", 4.0),
        Key("calls_per_second", values.decimal("0.1", "1000"), "most calls begun in a second", 5.0),
        Key("ratio", values.decimal("1", "10"), "power: calls for each free agent", 1.5),
        Key(
            "abandonment_limit",
            values.decimal("0.1", "100", "%"),
            "most drops, in percent of answered calls",
            3.0,
        ),
        Key("detection", values.yes_no, "whether answering machines are detected", False),
        Key(
            "detection_seconds",
            values.decimal("0.5", "10", "s"),
            "detection ends after so many seconds",
            2.0,
        ),
        Key(
            "detection_sample",
            values.decimal("0", "100", "%"),
            "of those taken for machines, how many go to an agent, who hears whether that is right",
            5.0,
        ),
        Key("safe_harbour_message", values.sound, "sound for who gets no agent in time"),
        Key("machine_message", values.sound, "sound for answering machines; none: hang up"),
        Key("agentless_message", values.sound, "agentless: the sound that is played"),
        Key(
            "agentless_keys",
            values.keys,
            "agentless: what keys do: 1=agent,2=repeat,9=opt_out",
            show=values.show_keys,
        ),
        Key("opt_out_key", values.key, "key that puts the caller on the do-not-call list"),
        Key("seller_name", values.line(80), "in whose name is called"),
        Key("seller_number", values.number, "number at which the seller is reached"),
        Key("purpose", values.line(200), "what the calls are about; limits count by it"),
        Key("hours", values.week, "when, where the party is: 'mon-fri 10:00-18:00'; the law stays"),
        Key(
            "holidays",
            values.holidays,
            "days without calls: 'december 25; 2026-12-24; 2 days before easter'",
            show=values.show_holidays,
        ),
        Key(
            "number_cap",
            values.cap,
            "most calls to one number, of all campaigns: 3 in 24h; the law stays",
            show=values.show_cap,
        ),
        Key("retry", values.retry, "what follows each result: 'busy 10m x3' …", DEFAULT_TEXT),
        Key("most_attempts", values.whole(1, 100), "most attempts for a lead", DEFAULT.most),
        Key(
            "callback_tolerance",
            values.duration,
            "how much later than promised a callback may be; so long it waits for its agent",
            900,
            show=values.show_duration,
        ),
        Key(
            "callback_anybody",
            values.yes_no,
            "whether anybody calls back when the agent who promised is not there by then",
            True,
        ),
        Key("time_zone", values.zone, "zone in which its days are counted", "UTC"),
        Key("weight", values.whole(1, 1000), "share of agents that campaigns share", 10),
        Key(
            "inbound_share",
            values.decimal("0", "99.9", "%"),
            "agents are kept free so that such a share of callers is answered in time; 0: none",
            80.0,
        ),
        Key("default_region", values.region, "country of numbers without a country code"),
        Key("stop_date", values.day, "last day on which it dials"),
    )
}
"""All that `ccm campaign set` takes, in the order in which it is shown, but for the families."""


def key_named(name: str) -> Key:
    """The setting of that name. Raises InvalidCampaign with the nearest ones."""
    if name in KEYS:
        return KEYS[name]
    if DISPOSITION.fullmatch(name) is not None:
        return Key(name, values.disposition, "what that code means", None, values.show_disposition)
    near = get_close_matches(name, KEYS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KEYS)}"
    raise InvalidCampaign(f"there is no setting {name!r}; {hint}")


def parse_changes(pairs: Iterable[str]) -> dict[str, Value]:
    """Changes by key from texts KEY=VALUE; ``KEY=`` takes one back. Raises InvalidCampaign."""
    changes: dict[str, Value] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        key = key_named(name.strip())
        if not equals:
            raise InvalidCampaign(f"{pair!r}: write {name}=VALUE, or {name}= to take it back")
        if key.name in changes:
            raise InvalidCampaign(f"{key.name} is given twice")
        try:
            changes[key.name] = key.parse(text.strip()) if text.strip() else None
        except InvalidCampaign as error:
            raise InvalidCampaign(f"{key.name}: {error}") from None
    return changes


def changed(settings: Mapping[str, Value], changes: Mapping[str, Value]) -> dict[str, Value]:
    """The settings with these changes; what is None is not there."""
    return {name: value for name, value in {**settings, **changes}.items() if value is not None}


def check_may_change(state: str, changes: Iterable[str]) -> None:
    """Raises InvalidCampaign when one of these keys can't be changed in that state."""
    fixed = [name for name in changes if name in FIXED]
    if fixed and state in ("running", "paused"):
        raise InvalidCampaign(f"{fixed[0]} can't be changed while the campaign is {state}: stop it")


def from_stored(settings: Mapping[str, Value]) -> dict[str, Value]:
    """What the database has, checked again. Raises InvalidCampaign."""
    for name, value in settings.items():
        key = key_named(name)
        try:
            same = key.parse(key.show(value)) == value
        except (TypeError, KeyError, AttributeError, ValueError):
            same = False
        if not same:
            raise InvalidCampaign(f"{name}: {value!r} can't be used as it is")
    return dict(settings)


def effective(settings: Mapping[str, Value]) -> dict[str, Value]:
    """Every key of KEYS with what holds, and what codes mean; None where nothing holds."""
    return {**{name: key.default for name, key in KEYS.items()}, **settings}


def retry_rules(settings: Mapping[str, Value]) -> RetryRules:
    """When its leads are tried again."""
    holds = effective(settings)
    text = "" if holds["retry"] == "never" else holds["retry"]
    return RetryRules(parse_retry(text), holds["most_attempts"])


def number_cap(settings: Mapping[str, Value]) -> Cap | None:
    """Its own cap of calls to one number."""
    cap = settings.get("number_cap")
    return None if cap is None else Cap(cap["calls"], cap["hours"], "the campaign's number_cap")


def campaign_hours(settings: Mapping[str, Value]) -> CampaignHours:
    """Its own hours and holidays, on the clock of whoever is called."""
    return CampaignHours(
        parse_week(settings.get("hours") or "always"),
        tuple(Holiday(rule, rule) for rule in settings.get("holidays") or ()),
    )


def shown(name: str, value: Value) -> str | None:
    """A value as ``parse_changes`` reads it; None for None."""
    return None if value is None else key_named(name).show(value)


def after(action: str, state: str) -> str:
    """The state behind an action. Raises InvalidCampaign when it can't be done in this one."""
    allowed, following = TRANSITIONS[action]
    if state not in allowed:
        raise InvalidCampaign(
            f"the campaign is {state}; only one that is {' or '.join(allowed)} can be "
            f"{'started' if action == 'start' else 'paused' if action == 'pause' else 'stopped'}"
        )
    return following
