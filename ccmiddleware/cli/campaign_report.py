"""``ccm campaign report``: what came of a campaign's calls on some days."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from ccmiddleware.cli import when
from ccmiddleware.cli.campaign_editing import campaign_argument, checked
from ccmiddleware.cli.campaign_seen import silent_because, standing_of
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database, Row

RESULTS = (
    ("connected", "an agent talked"),
    ("dropped_calls", "a person answered, and no agent came"),
    ("hung_up", "a person answered and hung up before the agent's time was over"),
    ("machine", "a machine answered"),
    ("no_answer", "nobody answered"),
    ("busy", "the line was busy"),
    ("failed", "could not be reached"),
    ("unknown", "nobody saw the end"),
    ("open", "goes on"),
)
BY_RESULT = (
    Column("result", "RESULT"),
    Column("attempts", "ATTEMPTS", "number"),
    Column("share", "SHARE", "number"),
    Column("meaning", "MEANING"),
)
FUNNEL = (
    Column("state", "LEADS"),
    Column("last_result", "LAST RESULT"),
    Column("leads", "NUMBER", "number"),
    Column("share", "SHARE", "number"),
)
AGENTS = (
    Column("agent", "AGENT"),
    Column("calls", "CALLS", "number"),
    Column("talk_seconds", "TALK", "span"),
    Column("hold_seconds", "HOLD", "span"),
    Column("wrap_up_seconds", "WRAP-UP", "span"),
    Column("unpaused_seconds", "THERE", "span"),
    Column("utilisation", "UTILISATION", "number"),
    Column("occupancy", "OCCUPANCY", "number"),
)


@click.command("report", epilog="Example:  ccm campaign report spring --since 7d")
@campaign_argument
@click.option("--day", help="This day: 2026-03-01, today, yesterday. Today if nothing is said.")
@click.option("--since", help="First day instead: 2026-03-01, yesterday, 7d …")
@click.option("--until", help="Last day, included; today if not given.")
@json_option
@pass_app
def report(
    app: App, campaign: str, day: str | None, since: str | None, until: str | None, as_json: bool
) -> None:
    """Tell what came of a campaign's calls: results, drops, leads, agents.

    Days are those of the campaign's own time zone, by the moment in which a lead was claimed. The
    share of drops is that of the period that the law counts, up to the last day asked for. Leads
    are as they are now.
    """
    if day is not None and (since is not None or until is not None):
        raise click.UsageError("--day asks for one day, --since for several: give one of them")
    found = run(_report(app, campaign, day, since, until))
    if as_json:
        emit_json(found)
    else:
        _print(found)


def days_asked(
    day: str | None, since: str | None, until: str | None, now: datetime, zone: ZoneInfo
) -> tuple[date, date]:
    """First and last day, in that zone. Raises click.BadParameter."""

    def read(text: str, option: str) -> date:
        try:
            return when.parse(text, now, zone).astimezone(zone).date()
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=option) from None

    if day is not None:
        first = read(day, "--day")
        return first, first
    last = read(until or "now", "--until")
    first = read(since, "--since") if since is not None else last
    if last < first:
        raise click.BadParameter(f"{last} is before {first}", param_hint="--until")
    return first, last


async def _report(
    app: App, campaign: str, day: str | None, since: str | None, until: str | None
) -> dict[str, Any]:
    from ccmiddleware.dialer.campaigns import find
    from ccmiddleware.dialer.standing import zone_of

    async with checked(), opened(app) as database:
        row = await find(database, campaign)
        zone, now = zone_of(row["settings"]), utc_now()
        first, last = days_asked(day, since, until, now, zone)
        days = [dict(one) for one in await database.fetch("campaign_days", campaign, first, last)]
        agents = await database.fetch("campaign_agent_days", campaign, first, last)
        gain = await database.fetchrow("campaign_gain", campaign, first, last)
        funnel = await _funnel(database, row)
        standing, unknown = await standing_of(database, row, last, _by_state(funnel))
        return {
            "campaign": campaign,
            "state": row["state"],
            "mode": row["mode"],
            "time_zone": zone.key,
            "first_day": first,
            "last_day": last,
            "silent": "" if days else await _silent(database, row, first, last),
            "attempts": _summed(days),
            "days": days,
            "drops": None if standing is None else standing.as_dict(),
            "drops_unknown": unknown,
            "leads": funnel,
            "agents": [dict(one) for one in agents],
            "utilisation": None if gain is None else dict(gain),
        }


async def _silent(database: "Database", row: "Row", first: date, last: date) -> str:
    when_ = f"on {first}" if first == last else f"from {first} to {last}"
    today = utc_now().date()
    recent = last >= today - timedelta(days=1)
    why = await silent_because(database, row) if recent and row["state"] != "running" else ""
    return f"{row['name']} called nobody {when_}" + (f": {why}" if why else "")


def _summed(days: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts of the days added up, and the ratios of the sums."""
    names = ("attempts", *(name for name, _ in RESULTS), "live", "drops", "opt_outs")
    counts = {name: sum(day[name] for day in days) for name in names}
    over = counts["attempts"] - counts["open"]
    return counts | {
        "answer_rate": round(counts["live"] / over, 4) if over else None,
        "drop_rate": round(counts["drops"] / counts["live"], 4) if counts["live"] else None,
        "talk_seconds": sum(day["talk_seconds"] for day in days),
    }


async def _funnel(database: "Database", row: "Row") -> list[dict[str, Any]]:
    rows = [dict(one) for one in await database.fetch("campaign_leads", [row["id"]])]
    total = sum(one["leads"] for one in rows)
    return [
        {
            "state": one["state"],
            "last_result": one["last_result"],
            "leads": one["leads"],
            "lead_rate": round(one["leads"] / total, 4),
        }
        for one in rows
    ]


def _by_state(funnel: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    states: dict[str, int] = {}
    for one in funnel:
        states[one["state"]] = states.get(one["state"], 0) + one["leads"]
    return states


# -- printing -----------------------------------------------------------------------------------


def _print(found: Mapping[str, Any]) -> None:
    first, last, counts = found["first_day"], found["last_day"], found["attempts"]
    days = str(first) if first == last else f"{first} to {last}"
    emit_text(
        f"{found['campaign']}  {found['state']}  {found['mode']}  {days}, {found['time_zone']}"
    )
    if counts["attempts"]:
        emit_text("")
        _print_results(counts)
    else:
        say(found["silent"])
    _print_drops(found)
    if found["leads"]:
        emit_text("\nLeads, as they are now")
        rows = [one | {"share": _percent(one["lead_rate"])} for one in found["leads"]]
        emit(rows, FUNNEL, as_json=False, empty="")
    if found["agents"]:
        emit_text("\nAgents")
        emit([_agent(one) for one in found["agents"]], AGENTS, as_json=False, empty="")
    if found["utilisation"] is not None:
        emit_text("")
        _print_gain(found["utilisation"])


def _print_results(counts: Mapping[str, Any]) -> None:
    rows = [
        {
            "result": name.replace("_calls", ""),
            "attempts": counts[name],
            "share": _percent(counts[name] / counts["attempts"]),
            "meaning": meaning,
        }
        for name, meaning in RESULTS
        if counts[name]
    ]
    emit(rows, BY_RESULT, as_json=False, empty="")
    words = f"{counts['attempts']} attempts; people answered {counts['live']}"
    if counts["answer_rate"] is not None:
        words += f", {_percent(counts['answer_rate'])} of those that are over"
    words += f"; {counts['drops']} had no agent in time"
    if counts["drop_rate"] is not None:
        words += f", {_percent(counts['drop_rate'], 2)} of the answered"
    if counts["opt_outs"]:
        words += f"; {counts['opt_outs']} asked for no further calls"
    emit_text(words)


def _print_drops(found: Mapping[str, Any]) -> None:
    ledger = found["drops"]
    if ledger is None:
        say(f"the share of drops that the law counts can't be told: {found['drops_unknown']}")
        return
    share = "no answers" if ledger["drop_rate"] is None else _percent(ledger["drop_rate"], 2)
    words = {"fine": "", "near": " (near the limit)", "over": " (OVER THE LIMIT)"}
    emit_text(
        f"\nDrops, {ledger['first_day']} to {ledger['last_day']}: {share} of at most"
        f" {_percent(ledger['limit_rate'], 2)}{words[ledger['level']]}, {ledger['drops']} of"
        f" {ledger['live']} answered calls"
        f"\n{ledger['why']}\nRule: {ledger['rule']}"
    )


def _agent(row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(row) | {
        "utilisation": _percent(row["utilisation_rate"]),
        "occupancy": _percent(row["occupancy_rate"]),
    }


def _print_gain(row: Mapping[str, Any]) -> None:
    emit_text(
        f"Utilisation {_percent(row['utilisation_rate'])} of the time that agents were there;"
        f" occupancy {_percent(row['occupancy_rate'])} while it dialled"
    )
    measured, other = row["talk_per_hour_seconds"], row["progressive_talk_per_hour_seconds"]
    if measured is None or other is None:
        return
    emit_text(
        f"With one call for each free agent occupancy would have been about"
        f" {_percent(row['progressive_occupancy_rate'])} (by formula: report.predictive_gain)."
        f" Talk in an hour of an agent: {float(measured) / 60:.1f} minutes instead of"
        f" {float(other) / 60:.1f}"
    )


def _percent(rate: Any, digits: int = 1) -> str | None:
    return None if rate is None else f"{float(rate):.{digits}%}"
