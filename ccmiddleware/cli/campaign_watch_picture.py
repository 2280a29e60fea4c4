"""What ``ccm campaign watch`` shows, from one snapshot to lines of a given width. Pure."""

import textwrap
from collections.abc import Mapping
from typing import Any

from ccmiddleware.cli.wallboard_picture import Line, Part, Style, bounded
from ccmiddleware.cli.when import show_span
from ccmiddleware.plaintext import plain

Snapshot = Mapping[str, Any]

AGENTS: tuple[tuple[str, str, Style], ...] = (
    ("idle", "idle", "green"),
    ("ringing", "ringing", "yellow"),
    ("talking", "talking", "cyan"),
    ("wrap_up", "wrap-up", "magenta"),
    ("paused", "paused", "dim"),
    ("working", "on email", "cyan"),
    ("busy", "busy", ""),
    ("unavailable", "unavailable", "red"),
)
LEVELS: dict[str, Style] = {"fine": "green", "near": "yellow", "over": "bold red"}
STATES: dict[str, Style] = {"running": "green", "paused": "yellow", "stopped": "red"}
RESULTS = (
    ("connected", "with an agent"),
    ("drops", "dropped"),
    ("hung_up", "hung up"),
    ("machine", "machines"),
    ("no_answer", "no answer"),
    ("busy", "busy"),
    ("failed", "failed"),
    ("unknown", "unknown"),
)
LABEL = 10
FRESH_SECONDS = 90
"""A decision that is older is said to be old: at least every minute one is stored."""


def picture(snapshot: Snapshot, trouble: str, width: int, height: int | None = None) -> list[Line]:
    """The lines, none wider than ``width`` and no more than ``height``."""
    lines = [
        _head(snapshot),
        *_alarm(f"NOT CURRENT {trouble}" if trouble else ""),
        *_alarm(snapshot["node_trouble"]),
        [],
        _agents(snapshot["agents"]),
        _calls(snapshot["calls"]),
        _today(snapshot["today"], snapshot["time_zone"]),
        *_drops(snapshot, width),
        _leads(snapshot["leads"]),
        [],
        *_decided("Now", snapshot["decision"], width),
        *_decided("Last calls", snapshot["last_with_calls"], width),
        *([_label("Why", plain(snapshot["silent"]))] if snapshot["silent"] else []),
    ]
    return [bounded(line, width) for line in lines[:height]]


def _alarm(words: str) -> list[Line]:
    return [[Part(plain(words), "bold red")]] if words else []


def _label(label: str, *parts: str | Part) -> Line:
    made = [Part(part) if isinstance(part, str) else part for part in parts]
    return [Part(f"{label:<{LABEL}} ", "dim"), *made]


def _head(snapshot: Snapshot) -> Line:
    state = snapshot["state"]
    return [
        Part(f"{plain(snapshot['campaign'])}  ", "bold"),
        Part(state, STATES.get(state, "")),
        Part(f"  {snapshot['mode']}  queue {plain(str(snapshot['queue'] or '-'))}"),
        Part(f"  {snapshot['clock']}", "dim"),
    ]


def _agents(agents: Mapping[str, int] | None) -> Line:
    if agents is None:
        return _label("Agents", Part("the queue is not known yet", "yellow"))
    parts: list[Part] = []
    for key, word, style in AGENTS:
        if agents[key] or key in ("idle", "talking"):
            parts += [Part(", ")] if parts else []
            parts.append(Part(f"{agents[key]} {word}", style if agents[key] else "dim"))
    return _label("Agents", *parts)


def _calls(calls: Mapping[str, Any]) -> Line:
    words = f"{calls['under_way']} under way"
    if calls["ringing"] is not None:
        words += f", {calls['ringing']} ringing"
    parts: list[str | Part] = [words]
    if calls["waiting"]:
        parts += [", ", Part(f"{calls['waiting']} waiting for an agent", "yellow")]
    return _label("Calls", *parts, f"; {calls['last_minute']} begun in the last minute")


def _today(today: Mapping[str, Any], zone: str) -> Line:
    if not today["attempts"]:
        return _label("Today", f"no attempts yet ({zone})")
    rate = today["answer_rate"]
    words = ", ".join(f"{today[key]} {word}" for key, word in RESULTS if today[key])
    share = "" if rate is None else f" ({float(rate):.1%} answered by people)"
    first = f"{today['attempts']} attempts{share}: "
    return _label("Today", f"{first}{words or 'none is over'} ({zone})")


def _drops(snapshot: Snapshot, width: int) -> list[Line]:
    ledger = snapshot["drops"]
    if ledger is None:
        return [_label("Drops", Part(plain(snapshot["drops_unknown"]), "yellow"))]
    share = "no answers yet" if ledger["drop_rate"] is None else f"{ledger['drop_rate']:.2%}"
    words = (
        f" of at most {ledger['limit_rate']:.2%}: {ledger['drops']} of {ledger['live']} answered"
        f" calls, {ledger['first_day']} to {ledger['last_day']}"
    )
    lines = [_label("Drops", Part(share, LEVELS[ledger["level"]]), words)]
    if ledger["go_on"] != "normal":
        style: Style = "bold red" if ledger["go_on"] == "stop" else "yellow"
        lines += _wrapped(plain(ledger["why"]), width, style)
    return lines


def _leads(leads: Mapping[str, int]) -> Line:
    words = ", ".join(f"{number} {plain(state)}" for state, number in leads.items() if number)
    return _label("Leads", words or "none")


def _decided(label: str, decision: Mapping[str, Any] | None, width: int) -> list[Line]:
    if decision is None:
        return []
    age = decision["age_seconds"]
    style: Style = "yellow" if label == "Now" and age > FRESH_SECONDS else ""
    begun, *why = decision["words"]
    first = _label(label, Part(f"{show_span(age)} ago  ", style), plain(begun))
    words = [line for text in why for line in _wrapped(plain(text), width, "")]
    return [first, *words]


def _wrapped(text: str, width: int, style: Style) -> list[Line]:
    """The text beside the labels, on as many lines as it needs."""
    room = max(width - LABEL - 1, 20)
    return [[Part(" " * (LABEL + 1)), Part(part, style)] for part in textwrap.wrap(text, room)]
