"""``ccm skill``: the skills there are; and what `ccm agent skill` and `ccm queue skill` share.

Here only Postgres is changed. The daemon that leads a node makes penalties of it in Asterisk
(``agents.skill_penalties``), within seconds.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit

if TYPE_CHECKING:
    from ccmiddleware.agents.skills import Rules

LIST = (
    Column("skill", "SKILL"),
    Column("description", "DESCRIPTION"),
    Column("agents", "AGENTS", "number"),
    Column("queues", "REQUIRED BY"),
)
PENALTIES = (
    Column("node", "NODE"),
    Column("queue", "QUEUE"),
    Column("agent", "AGENT"),
    Column("interface", "INTERFACE"),
    Column("present", "PRESENT", "number"),
    Column("wanted", "WANTED", "number"),
    Column("why", "WHY"),
)
NAME = re.compile(r"[\w.:-]{1,64}")
LONGEST_DESCRIPTION = 200
IN_USE = ("23503", "23001")
"""SQLSTATEs of a row that another one refers to."""

NO_SKILLS = "no skills yet: ccm skill add NAME"


@click.group("skill", epilog="Example:  ccm skill add english")
def command() -> None:
    """Skills that agents have (`ccm agent skill`) and queues require (`ccm queue skill`)."""


@command.command("list", epilog="Example:  ccm skill list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """List the skills, how many agents have them, and which queues require them."""
    emit(run(_list(app)), LIST, as_json=as_json, empty=NO_SKILLS)


@command.command("add", epilog="Example:  ccm skill add english --description 'Speaks English'")
@click.argument("name")
@click.option("--description", default="", help="What it means.")
@pass_app
def add(app: App, name: str, description: str) -> None:
    """Add a skill, or change its description."""
    if NAME.fullmatch(name) is None:
        raise click.UsageError("a skill is named by up to 64 letters, digits, and . : _ -")
    if len(description) > LONGEST_DESCRIPTION or not description.isprintable():
        raise click.UsageError(
            f"--description takes one line of at most {LONGEST_DESCRIPTION} characters"
        )
    run(_execute(app, "add_skill", name, description))


@command.command("remove", epilog="Example:  ccm skill remove english")
@click.argument("name")
@pass_app
def remove(app: App, name: str) -> None:
    """Remove a skill, with the levels that agents have in it. Not while a queue requires it."""
    run(_remove(app, name))


async def _list(app: App) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_skills")]


async def _execute(app: App, query: str, *arguments: Any) -> None:
    async with opened(app) as database:
        await database.execute(query, *arguments)


async def _remove(app: App, name: str) -> None:
    from ccmiddleware.store.border import Rejected

    async with opened(app) as database:
        row = await known(database, name)
        try:
            await database.execute("remove_skill", name)
        except Rejected as error:
            if error.sqlstate not in IN_USE:
                raise
            queues = ", ".join(row["queues"])
            raise click.UsageError(
                f"{name} is required by {queues}: ccm queue skill QUEUE {name} --remove"
            ) from None
    say(f"{name} is no skill any more; {row['agents']} agents had a level in it")


# -- what the commands of agents and queues share -------------------------------------------


async def known(database: Any, name: str) -> Mapping[str, Any]:
    """The skill of that name. Raises NothingFound, which says what there is."""
    rows = {row["skill"]: dict(row) for row in await database.fetch("list_skills")}
    if name in rows:
        return rows[name]
    near = get_close_matches(name, rows, n=3)
    there = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(rows)}"
    raise NothingFound(f"there is no skill {name!r}; {there if rows else NO_SKILLS}")


async def rules(database: Any, node: str) -> "Rules":
    """Requirements and levels as the database has them."""
    from ccmiddleware.agents.skills import rules_of

    required = await database.fetch("skill_rules", node)
    levels = await database.fetch("skill_levels", node)
    return rules_of(map(dict, required), map(dict, levels))


async def penalties(
    database: Any, node: str, queues: Sequence[str], given: "Rules"
) -> list[dict[str, Any]]:
    """Present and wanted penalty of each member of these queues, by ``given`` rules."""
    from ccmiddleware.agents.skills import wanted
    from ccmiddleware.clock import utc_now

    rows = []
    for queue in queues:
        required = given.required.get(queue)
        if not required:
            continue
        waiting = await database.fetch("show_queue_waiting", queue, node, utc_now())
        wait = max((float(row["wait_seconds"]) for row in waiting), default=0.0)
        for member in await database.fetch("show_queue_members", queue, node):
            should = wanted(given.levels.get(member["interface"], {}), required, wait)
            rows.append(
                {
                    "node": node,
                    "queue": queue,
                    "agent": member["agent"],
                    "interface": member["interface"],
                    "present": member["penalty"],
                    "wanted": should.penalty,
                    "why": should.why,
                    "longest_wait_seconds": wait,
                }
            )
    return sorted(rows, key=lambda row: (row["queue"], row["wanted"], row["agent"]))
