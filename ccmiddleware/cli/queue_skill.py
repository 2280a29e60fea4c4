"""``ccm queue skill`` and ``ccm queue penalties``: what a queue requires, and what comes of it."""

import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli import skill as skills
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.options import node_option
from ccmiddleware.cli.output import Column, emit
from ccmiddleware.errors import CcmError

if TYPE_CHECKING:
    from ccmiddleware.agents.skills import Requirement

REQUIRED = (
    Column("node", "NODE"),
    Column("queue", "QUEUE"),
    Column("skill", "SKILL"),
    Column("minimum", "MINIMUM", "number"),
    Column("weight", "WEIGHT", "number"),
    Column("shown_relaxations", "RELAXED AFTER"),
)
RELAXATION = re.compile(r"([0-9]{1,5})(s|m)?=([0-9]{1,3})")
LONGEST_WAIT = 86_400
LEVEL = click.IntRange(0, 100)
STAY = (
    "penalties in Asterisk stay as they are, since nobody knows what they were before; "
    "asterisk -rx 'queue set penalty 0 on INTERFACE in QUEUE' sets one"
)


@click.command(
    "skill", epilog="Example:  ccm queue skill support english --min 60 --relax 30s=40,60s=0"
)
@click.argument("queue")
@click.argument("skill", required=False)
@click.option("--min", "minimum", type=LEVEL, help="Level that members need.")
@click.option(
    "--weight", type=click.IntRange(1, 100), default=1, show_default=True,
    help="How much it counts beside the queue's other skills.",
)  # fmt: skip
@click.option(
    "--relax", default="", help="WAIT=LEVEL,…: what members need when somebody waits that long."
)
@click.option("--remove", is_flag=True, help="Require this skill no more.")
@node_option
@click.option("--dry-run", is_flag=True, help="Show the penalties that would follow; keep nothing.")
@json_option
@pass_app
def skill(
    app: App,
    queue: str,
    skill: str | None,
    minimum: int | None,
    weight: int,
    relax: str,
    remove: bool,
    node: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Show what a queue requires of its members, or require a skill.

    Members get penalties by it: 0 for the best, 1000 and more for those below the minimum.
    """
    from ccmiddleware.agents.skills import Requirement

    if skill is None:
        if minimum is not None or relax or remove or dry_run:
            raise click.UsageError("say which skill, before the options")
        rows = run(_required(app, queue, node))
        _show_required(rows, as_json)
        return
    if remove == (minimum is not None):
        raise click.UsageError("say either --min LEVEL or --remove")
    wanted = None
    if minimum is not None:
        wanted = Requirement(skill, minimum, weight, _relaxations(relax, minimum))
    if dry_run:
        rows = run(_tried(app, queue, node, skill, wanted))
        emit(rows, skills.PENALTIES, as_json=as_json, empty="no member would get a penalty by it")
        say("nothing was changed")
        return
    _show_required(run(_set(app, queue, node, skill, wanted)), as_json)
    if wanted is None:
        say(STAY)


@click.command("penalties", epilog="Example:  ccm queue penalties support")
@click.argument("queue")
@node_option
@json_option
@pass_app
def penalties(app: App, queue: str, node: str | None, as_json: bool) -> None:
    """Show the penalties that members should have by their skills, those they have, and why.

    The daemon sets the ones to the others within seconds. Once a minimum was lowered, the daemon
    keeps it so until the queue is empty; here it is judged by who waits now.
    """
    rows = run(_penalties(app, queue, node))
    empty = f"{queue} requires no skills, or has no members: its penalties are left alone"
    emit(rows, skills.PENALTIES, as_json=as_json, empty=empty)


def _relaxations(text: str, minimum: int) -> tuple[tuple[float, int], ...]:
    """``30s=40,1m=0`` as pairs. Raises click.UsageError."""
    found: list[tuple[float, int]] = []
    for part in text.split(",") if text else ():
        match = RELAXATION.fullmatch(part.strip())
        if match is None:
            raise click.UsageError(f"--relax: {part!r} is not WAIT=LEVEL, such as 30s=40 or 2m=0")
        seconds = int(match[1]) * (60 if match[2] == "m" else 1)
        if not 0 < seconds <= LONGEST_WAIT:
            raise click.UsageError(f"--relax: {part!r}: a wait is from 1 s to a day")
        found.append((float(seconds), int(match[3])))
    steps = [(0.0, minimum), *found]
    for (earlier, more), (later, less) in pairwise(steps):
        if later <= earlier or less >= more:
            raise click.UsageError("--relax: waits must grow and levels fall, from --min on")
    return tuple(found)


def _show_required(rows: list[dict[str, Any]], as_json: bool) -> None:
    for row in rows:
        steps = [f"{after} s: {least}" for after, least in row["relaxations"]]
        row["shown_relaxations"] = ", ".join(steps)
    if as_json:
        rows = [{key: row[key] for key in row if key != "shown_relaxations"} for row in rows]
    empty = "it requires no skills: ccm queue skill QUEUE SKILL --min LEVEL"
    emit(rows, REQUIRED, as_json=as_json, empty=empty)


async def _node_of(database: Any, queue: str, node: str | None) -> str:
    """The node that has the queue. Raises when there is none, or several."""
    from ccmiddleware.cli.queue import unknown
    from ccmiddleware.clock import utc_now

    now = utc_now()
    nodes = [row["node"] for row in await database.fetch("list_queues", node, queue, now)]
    if not nodes:
        known = [dict(row) for row in await database.fetch("list_queues", None, None, now)]
        raise NothingFound(unknown(queue, node, known))
    if len(nodes) > 1:
        raise CcmError(f"{queue} is on {', '.join(nodes)}: say which, with --node")
    return str(nodes[0])


async def _rows(database: Any, node: str, queue: str) -> list[dict[str, Any]]:
    rows = await database.fetch("skill_rules", node)
    return [{"node": node, **row} for row in map(dict, rows) if row["queue"] == queue]


async def _required(app: App, queue: str, node: str | None) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return await _rows(database, await _node_of(database, queue, node), queue)


async def _set(
    app: App, queue: str, node: str | None, skill: str, wanted: "Requirement | None"
) -> list[dict[str, Any]]:
    async with opened(app) as database:
        node = await _node_of(database, queue, node)
        await skills.known(database, skill)
        where = (node, queue, skill)
        async with database.transaction() as session:
            if wanted is None:
                removed = await session.execute("remove_queue_skill", *where)
                if not removed:
                    raise NothingFound(f"{queue} does not require {skill}")
            else:
                least, weight = wanted.minimum, wanted.weight
                await session.execute("set_queue_skill", *where, least, weight)
                await session.execute("clear_queue_skill_relaxations", *where)
                for after, lowered in wanted.relaxations:
                    await session.execute("add_queue_skill_relaxation", *where, int(after), lowered)
        return await _rows(database, node, queue)


async def _tried(
    app: App, queue: str, node: str | None, skill: str, wanted: "Requirement | None"
) -> list[dict[str, Any]]:
    """The penalties of the queue as they would be wanted."""
    async with opened(app) as database:
        node = await _node_of(database, queue, node)
        await skills.known(database, skill)
        rules = await skills.rules(database, node)
        others = [each for each in rules.required.get(queue, ()) if each.skill != skill]
        required = [*others, wanted] if wanted is not None else others
        rules = replace(rules, required={**rules.required, queue: required})
        return await skills.penalties(database, node, [queue], rules)


async def _penalties(app: App, queue: str, node: str | None) -> list[dict[str, Any]]:
    async with opened(app) as database:
        node = await _node_of(database, queue, node)
        rules = await skills.rules(database, node)
        return await skills.penalties(database, node, [queue], rules)
