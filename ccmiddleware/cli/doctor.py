"""``ccm doctor``: looks at everything the daemon needs, says how to mend what is wrong, and what
each node can be used for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import click

from ccmiddleware.cli.capabilities import Seen, Standing, State, judge
from ccmiddleware.cli.checks import Finding, Verdict
from ccmiddleware.cli.context import App, json_option, pass_app, run
from ccmiddleware.cli.output import emit_json, emit_text
from ccmiddleware.clock import utc_now
from ccmiddleware.errors import ConfigError
from ccmiddleware.plaintext import plain

if TYPE_CHECKING:
    from ccmiddleware.cli.checks.asked import Asked
    from ccmiddleware.config import NodeSettings, Settings

COLOURS: dict[Verdict, str] = {"ok": "green", "note": "cyan", "warning": "yellow", "failed": "red"}
SIGNS: dict[State, tuple[str, str]] = {
    "works": ("+", "green"),
    "in part": ("~", "yellow"),
    "needs": ("-", "red"),
    "unknown": ("?", "cyan"),
}


@dataclass
class Looked:
    """All that was found: findings in order, and how it is with each capability of each node."""

    show: bool
    findings: list[Finding] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)

    def add(self, findings: Iterable[Finding]) -> None:
        """Keep findings, and print them at once for people."""
        for finding in findings:
            self.findings.append(finding)
            if self.show:
                _print(finding)


@click.command("doctor", epilog="Example:  ccm doctor --json")
@json_option
@pass_app
def command(app: App, as_json: bool) -> int:
    """Check everything the daemon needs, and say how to mend what is wrong.

    Looks at the configuration, secrets, state directory, each Asterisk (manager interface, rights,
    version, queues, clock, ARI), recording directories, queue_log, the SMTP server, the database,
    and asks the running daemon how its links are. Then says of each node what works with it now,
    and what each further thing needs. Nothing is changed. Exit code 1 if any check failed.
    """
    looked = Looked(show=not as_json)
    run(_look(app, looked))
    counts = Counter(finding.verdict for finding in looked.findings)
    if as_json:
        emit_json(
            {
                "ok": not counts["failed"],
                "findings": [asdict(finding) for finding in looked.findings],
                "capabilities": [asdict(standing) for standing in looked.standings],
            }
        )
    else:
        _print_standings(looked.standings)
        summary = ", ".join(f"{counts[name]} {name}" for name in COLOURS if counts[name])
        emit_text(f"\n{summary}")
    return 1 if counts["failed"] else 0


async def _look(app: App, looked: Looked) -> None:
    """Everything; each group is printed as soon as it and those before it are there."""
    from ccmiddleware.cli.checks import files

    try:
        settings = app.settings()
    except ConfigError as error:
        mend = "correct it, then: ccm config check"
        looked.add(Finding("configuration", "failed", problem, mend) for problem in error.problems)
        return
    looked.add(files.configuration(app.path(), settings))
    looked.add(files.state_directory(settings))
    await _outside(app, settings, looked)


async def _outside(app: App, settings: "Settings", looked: Looked) -> None:
    """What must be asked over a network, all at the same time."""
    import asyncio

    from ccmiddleware.cli.capabilities import registry
    from ccmiddleware.cli.checks.daemon import daemon
    from ccmiddleware.cli.checks.database import database
    from ccmiddleware.cli.checks.mail import smtp, writing
    from ccmiddleware.cli.checks.recording_store import compression, store

    looked.add(compression(settings) + writing(settings))
    async with asyncio.TaskGroup() as group:
        nodes = [
            (node, group.create_task(_node(settings, node), name=node.name))
            for node in settings.node
        ]
        shared = [
            group.create_task(store(settings), name="recording store"),
            group.create_task(smtp(settings), name="smtp"),
            group.create_task(database(app), name="database"),
            group.create_task(daemon(settings.web), name="daemon"),
        ]
        for _, task in nodes:
            looked.add((await task)[0])
        for other in shared:
            looked.add(await other)
    for node, task in nodes:
        asked = task.result()[1]
        seen = Seen(
            node=node,
            settings=settings,
            allowed=asked.allowed,
            contexts=asked.contexts,
            blind=asked.blind,
            findings=_by_subject(looked.findings, node.name),
        )
        looked.standings.extend(judge(capability, seen) for capability in registry.ALL)


async def _node(settings: "Settings", node: "NodeSettings") -> "tuple[list[Finding], Asked]":
    import asyncio

    from ccmiddleware.cli.capabilities import registry
    from ccmiddleware.cli.checks import asterisk, files
    from ccmiddleware.cli.checks.queue_log import queue_log
    from ccmiddleware.cli.checks.recording_store import directory

    async with asyncio.TaskGroup() as group:
        looking = asterisk.ami(settings, node, utc_now, registry.CONTEXTS)
        ami = group.create_task(looking, name=f"{node.name} AMI")
        ari = group.create_task(asterisk.ari(node), name=f"{node.name} ARI")
    findings, asked = ami.result()
    of_files = files.recordings(settings, node) + directory(settings, node) + queue_log(node)
    return findings + ari.result() + of_files, asked


def _by_subject(findings: Iterable[Finding], node: str) -> dict[str, list[Finding]]:
    """The findings that matter to a node, without its name before the subject."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.subject.removeprefix(f"{node} "), []).append(finding)
    return found


def _print(finding: Finding) -> None:
    word = "FAILED" if finding.verdict == "failed" else finding.verdict
    marked = click.style(f"{word:<8}", fg=COLOURS[finding.verdict])
    click.echo(f"{marked} {plain(finding.subject)}: {plain(finding.found, 2000)}")
    if finding.mend:
        click.echo(f"{'':<8}   to mend: {plain(finding.mend, 2000)}")


def _print_standings(standings: Sequence[Standing]) -> None:
    node = ""
    for standing in standings:
        if standing.node != node:
            node = standing.node
            click.echo(
                f"\nWhat {plain(node)} can be used for  (+ works, ~ in part, - not, ? unknown)"
            )
        sign, colour = SIGNS[standing.state]
        words = f"{sign} {standing.capability:<15}"
        click.echo(f"{click.style(words, fg=colour)} {plain(standing.does, 2000)}")
        word = "perhaps" if standing.state == "unknown" else "needs"
        for lack in standing.lacks:
            click.echo(f"{'':<17}   {word}: {plain(lack, 2000)}")
        for remark in standing.remarks:
            click.echo(f"{'':<17}   ({plain(remark, 2000)})")
