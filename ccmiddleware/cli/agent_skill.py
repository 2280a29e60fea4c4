"""``ccm agent skill``: what an agent can do, and how well."""

from dataclasses import replace
from typing import Any

import click

from ccmiddleware.cli import commanding, skill
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.options import node_option
from ccmiddleware.cli.output import Column, emit

LEVELS = (
    Column("agent", "AGENT"),
    Column("interface", "INTERFACE"),
    Column("skill", "SKILL"),
    Column("level", "LEVEL", "number"),
)
HIGHEST = 100


@click.command("skill", epilog="Example:  ccm agent skill 'Alice Arnold' english=80 german=100")
@click.argument("agent")
@click.argument("levels", nargs=-1, metavar="[SKILL=LEVEL]…")
@click.option("--remove", multiple=True, help="Forget the level in this skill; may be repeated.")
@node_option
@click.option("--dry-run", is_flag=True, help="Show the penalties that would follow; keep nothing.")
@json_option
@pass_app
def command(
    app: App,
    agent: str,
    levels: tuple[str, ...],
    remove: tuple[str, ...],
    node: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Show the skills of an agent, or set them.

    LEVEL is 0 to 100; an agent without a level has 0. Skills that are not named stay as they are.
    """
    given = dict(_level(text) for text in levels)
    if both := set(given) & set(remove):
        raise click.UsageError(f"{', '.join(sorted(both))}: either a level or --remove")
    if dry_run and not (given or remove):
        raise click.UsageError("--dry-run shows what a change would do: give a level or --remove")
    if dry_run:
        rows = run(_tried(app, agent, node, given, remove))
        emit(rows, skill.PENALTIES, as_json=as_json, empty="no queue of this agent requires skills")
        say("nothing was changed")
        return
    rows = run(_set(app, agent, node, given, remove))
    emit(rows, LEVELS, as_json=as_json, empty="no skills: ccm agent skill AGENT SKILL=LEVEL")


def _level(text: str) -> tuple[str, int]:
    name, equals, number = text.partition("=")
    if not (equals and number.isascii() and number.isdecimal() and int(number) <= HIGHEST):
        raise click.UsageError(f"{text!r} is not SKILL=LEVEL with a level of 0 to {HIGHEST}")
    return name, int(number)


async def _set(
    app: App, agent: str, node: str | None, given: dict[str, int], remove: tuple[str, ...]
) -> list[dict[str, Any]]:
    async with opened(app) as database:
        target = await commanding.find_agent(database, agent, node)
        for name in (*given, *remove):
            await skill.known(database, name)
        async with database.transaction() as session:
            for name, level in given.items():
                await session.execute("set_agent_skill", target.node, target.interface, name, level)
            for name in remove:
                await session.execute("remove_agent_skill", target.node, target.interface, name)
        rows = await database.fetch("skill_levels", target.node)
    return [
        {"node": target.node, "agent": target.name, **row}
        for row in map(dict, rows)
        if row["interface"] == target.interface
    ]


async def _tried(
    app: App, agent: str, node: str | None, given: dict[str, int], remove: tuple[str, ...]
) -> list[dict[str, Any]]:
    """The agent's penalties as they would be wanted."""
    async with opened(app) as database:
        target = await commanding.find_agent(database, agent, node)
        for name in (*given, *remove):
            await skill.known(database, name)
        rules = await skill.rules(database, target.node)
        own = {**rules.levels.get(target.interface, {}), **given}
        own = {name: level for name, level in own.items() if name not in remove}
        rules = replace(rules, levels={**rules.levels, target.interface: own})
        queues = [row["queue"] for row in target.queues if row["member"]]
        rows = await skill.penalties(database, target.node, queues, rules)
    return [row for row in rows if row["interface"] == target.interface]
