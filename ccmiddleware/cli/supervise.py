"""``ccm agent monitor|whisper|barge|unmonitor``: a supervisor's phone hears the talk of an agent.

Which talk is meant, and whether there is one, the daemon knows; here it is only said who and how.
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ccmiddleware.cli import commanding
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run
from ccmiddleware.cli.options import node_option

if TYPE_CHECKING:
    from ccmiddleware.facts import SupervisionMode
    from ccmiddleware.supervision.commands import SupervisionCommand

AGENT = click.argument("agent")
TO = click.option(
    "--to", metavar="PHONE", help="The supervisor's phone: PJSIP/2001, or an agent's name."
)
STOP = click.option("--stop", is_flag=True, help="End it, as `ccm agent unmonitor` does.")
INTERACTION = click.option(
    "--interaction", type=click.UUID, help="Which of the agent's talks, if there are several."
)
KEYS = click.option(
    "--keys",
    is_flag=True,
    help="Let the supervisor change the mode by keypad: 4 monitor, 5 whisper, 6 barge.",
)


def commands() -> list[click.Command]:
    """The commands, for the group ``ccm agent``."""
    return [
        _mode("monitor", "Hear the present talk of an agent; nobody hears the supervisor."),
        _mode("whisper", "Hear the present talk of an agent, and be heard by the agent alone."),
        _mode("barge", "Hear the present talk of an agent, and be heard by agent and customer."),
        unmonitor,
    ]


def _mode(mode: "SupervisionMode", about: str) -> click.Command:
    @click.command(
        mode,
        help=f"{about}\n\nThe phone --to rings for 20 seconds. AGENT is a name or an interface. It "
        "ends with the talk, when the supervisor hangs up or presses *, or with --stop. Exit code "
        "1 when there is no talk or the phone does not answer, 3 when nobody did it.",
        epilog=f"Example:  ccm agent {mode} 'Alice Arnold' --to PJSIP/2001",
    )
    @AGENT
    @TO
    @INTERACTION
    @KEYS
    @STOP
    @node_option
    @json_option
    @pass_app
    def command(
        app: App,
        agent: str,
        to: str | None,
        interaction: UUID | None,
        keys: bool,
        stop: bool,
        node: str | None,
        as_json: bool,
    ) -> int:
        if stop:
            return _end(app, agent, to, node, as_json)
        if to is None:
            raise click.UsageError("say which phone is to ring: --to PJSIP/2001")
        outcome = run(_begin(app, mode, agent, to, interaction, keys, node))
        return commanding.report(outcome, as_json=as_json)

    return command


@click.command("unmonitor", epilog="Example:  ccm agent unmonitor 'Alice Arnold' --to PJSIP/2001")
@AGENT
@TO
@node_option
@json_option
@pass_app
def unmonitor(app: App, agent: str, to: str | None, node: str | None, as_json: bool) -> int:
    """End the supervision of an agent's talks; only that by --to, if it is given.

    Also what a code of the PBX began. The talk goes on.
    """
    return _end(app, agent, to, node, as_json)


def _end(app: App, agent: str, to: str | None, node: str | None, as_json: bool) -> int:
    outcome = run(_ended(app, agent, to, node))
    return commanding.report(outcome, as_json=as_json)


async def _begin(
    app: App,
    mode: "SupervisionMode",
    agent: str,
    to: str,
    interaction: UUID | None,
    keys: bool,
    node: str | None,
) -> dict[str, Any]:
    from ccmiddleware.supervision.commands import Supervise

    async with opened(app) as database:
        target = await commanding.find_agent(database, agent, node)
        phone = await commanding.agent_or_interface(database, to, target.node, [target.node])
        command = Supervise(
            interface=target.interface,
            to=phone.interface,
            mode=mode,
            interaction=interaction,
            keys=keys,
            by=commanding.user(),
        )
        return await commanding.issue(database, target.node, *_checked(command))


async def _ended(app: App, agent: str, to: str | None, node: str | None) -> dict[str, Any]:
    from ccmiddleware.supervision.commands import EndSupervision

    async with opened(app) as database:
        target = await commanding.find_agent(database, agent, node)
        phone = ""
        if to is not None:
            found = await commanding.agent_or_interface(database, to, target.node, [target.node])
            phone = found.interface
        command = EndSupervision(interface=target.interface, to=phone)
        return await commanding.issue(database, target.node, *_checked(command))


def _checked(command: "SupervisionCommand") -> tuple[str, dict[str, Any]]:
    """Kind and arguments, if it can be carried out. Raises click.UsageError with what is wrong."""
    import msgspec

    from ccmiddleware.commands import InvalidCommand
    from ccmiddleware.supervision.commands import kind_of, parse

    arguments = msgspec.to_builtins(command)
    try:
        parse(kind_of(command), arguments)
    except InvalidCommand as error:
        raise click.UsageError(str(error)) from None
    return kind_of(command), arguments
