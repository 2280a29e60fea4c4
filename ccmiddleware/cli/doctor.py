"""``ccm doctor``: looks at everything the daemon needs and says how to mend what is wrong."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click

from ccmiddleware.cli.checks import Finding, Verdict
from ccmiddleware.cli.context import App, json_option, pass_app, run
from ccmiddleware.cli.output import emit_json, emit_text
from ccmiddleware.clock import utc_now
from ccmiddleware.errors import ConfigError
from ccmiddleware.plaintext import plain

if TYPE_CHECKING:
    from ccmiddleware.config import NodeSettings, Settings

COLOURS: dict[Verdict, str] = {"ok": "green", "note": "cyan", "warning": "yellow", "failed": "red"}


@click.command("doctor", epilog="Example:  ccm doctor --json")
@json_option
@pass_app
def command(app: App, as_json: bool) -> int:
    """Check everything the daemon needs, and say how to mend what is wrong.

    Looks at the configuration, secrets, state directory, each Asterisk (manager interface, rights,
    version, queues, clock, ARI), recording directories, queue_log, the database, and asks the
    running daemon how its links are. Nothing is changed. Exit code 1 if any check failed.
    """
    findings = run(_look(app, show=not as_json))
    counts = Counter(finding.verdict for finding in findings)
    if as_json:
        emit_json({"ok": not counts["failed"], "findings": [_as_dict(each) for each in findings]})
    else:
        summary = ", ".join(f"{counts[name]} {name}" for name in COLOURS if counts[name])
        emit_text(f"\n{summary}")
    return 1 if counts["failed"] else 0


async def _look(app: App, *, show: bool) -> list[Finding]:
    """All findings in order; each group is printed as soon as it and those before are there."""
    findings = []
    async for group in _groups(app):
        for finding in group:
            findings.append(finding)
            if show:
                _print(finding)
    return findings


async def _groups(app: App) -> AsyncIterator[list[Finding]]:
    from ccmiddleware.cli.checks import files

    try:
        settings = app.settings()
    except ConfigError as error:
        mend = "correct it, then: ccm config check"
        yield [Finding("configuration", "failed", problem, mend) for problem in error.problems]
        return
    yield files.configuration(app.path(), settings)
    yield files.state_directory(settings)
    async for group in _outside(app, settings):
        yield group


async def _outside(app: App, settings: "Settings") -> AsyncIterator[list[Finding]]:
    """What must be asked over a network, all at the same time."""
    import asyncio

    from ccmiddleware.cli.checks.daemon import daemon
    from ccmiddleware.cli.checks.database import database

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_node(settings, node), name=node.name) for node in settings.node]
        tasks.append(group.create_task(database(app), name="database"))
        tasks.append(group.create_task(daemon(settings.web), name="daemon"))
        for task in tasks:
            yield await task


async def _node(settings: "Settings", node: "NodeSettings") -> list[Finding]:
    import asyncio

    from ccmiddleware.cli.checks import asterisk, files
    from ccmiddleware.cli.checks.queue_log import queue_log

    async with asyncio.TaskGroup() as group:
        ami = group.create_task(asterisk.ami(settings, node, utc_now), name=f"{node.name} AMI")
        ari = group.create_task(asterisk.ari(node), name=f"{node.name} ARI")
    of_files = files.recordings(settings, node) + queue_log(node)
    return ami.result() + ari.result() + of_files


def _as_dict(finding: Finding) -> dict[str, str]:
    return {
        "subject": finding.subject,
        "verdict": finding.verdict,
        "found": finding.found,
        "mend": finding.mend,
    }


def _print(finding: Finding) -> None:
    word = "FAILED" if finding.verdict == "failed" else finding.verdict
    marked = click.style(f"{word:<8}", fg=COLOURS[finding.verdict])
    click.echo(f"{marked} {plain(finding.subject)}: {plain(finding.found, 2000)}")
    if finding.mend:
        click.echo(f"{'':<8}   to mend: {plain(finding.mend, 2000)}")
