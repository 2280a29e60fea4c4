"""``ccm email reply``: answer the customer from a terminal, as the queue.

The same is done as when the agent who has the email answers it by mail, by the same code and with
the same checks; who did it is the user of the operating system.
"""

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.email_work import found
from ccmiddleware.cli.output import emit_json, emit_text

if TYPE_CHECKING:
    from ccmiddleware.mail.agent_commands import Order
    from ccmiddleware.mail.carrying_out import Answer, CarryingOut, Task
    from ccmiddleware.mail.composing import File
    from ccmiddleware.store.database import Database, Session

LONGEST = 256 * 1024
LARGEST_FILE = 25 * 1024 * 1024


@click.command("reply", epilog="Example:  ccm email reply 17 'It comes tomorrow.' --close")
@click.argument("number", metavar="NUMBER")
@click.argument("text", required=False)
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the text from this file.",
)
@click.option(
    "--attach",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Send this file along; may be given several times.",
)
@click.option("--close", is_flag=True, help="The matter is done then.")
@click.option("--wait", help="Come back to it after that time: 30m, 2h, 3d, 1w or 1d 4h.")
@click.option("--to-all", is_flag=True, help="To all whom the customer wrote to, not to him alone.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and do nothing.")
@json_option
@pass_app
def reply(
    app: App,
    number: str,
    text: str | None,
    path: Path | None,
    attach: tuple[Path, ...],
    close: bool,
    wait: str | None,
    to_all: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Answer an email that an agent works on: to the customer, in the name of the queue.

    TEXT may be - to read it from standard input. Its first lines may be commands, as in an agent's
    mail (#note, #transfer QUEUE). NUMBER is that of `ccm email list`, or an ID.
    """
    if (text is None) == (path is None):
        raise click.UsageError("give the text as TEXT, as - for standard input, or with --file")
    if close and wait is not None:
        raise click.UsageError("--close and --wait contradict each other")
    words = _words(text, path)
    if close:
        words = f"#close\n{words}"
    if wait is not None:
        words = f"#wait {wait}\n{words}"
    files = [_attached(one) for one in attach]
    run(_reply(app, number, words, files, to_all=to_all, dry_run=dry_run, as_json=as_json))


async def _reply(
    app: App,
    number: str,
    words: str,
    files: "list[File]",
    *,
    to_all: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    from ccmiddleware.clock import utc_now
    from ccmiddleware.ids import uuid7_shaped

    id_ = uuid7_shaped(int(utc_now().timestamp() * 1000), uuid.uuid4().hex)
    async with opened(app) as database:
        item = await found(database, number)
        async with database.transaction() as session:
            task, node = await _task(session, item)
            order = await _order(session, node, words, len(files))
            carrying_out = await _carrying_out(app, database, node)
            if dry_run:
                shown = await _preview(session, carrying_out, task, order, id_, files, to_all)
            else:
                done = await carrying_out.do(
                    session, task, order, id=id_, by=user(), files=files, to_all=to_all
                )
    if dry_run:
        _tell_preview(task.work.number, order, shown, as_json=as_json)
        return
    said = done.said
    if as_json:
        outbox = done.answer.id if done.answer is not None else None
        emit_json({"id": id_, "number": task.work.number, "what": done.what, "done": said,
                   "email_id": outbox})  # fmt: skip
    else:
        say(f"email {task.work.number}: {said}")


async def _task(session: "Session", item: uuid.UUID) -> "tuple[Task, str]":
    """What is to be answered, locked; an agent must have it."""
    from ccmiddleware.mail.carrying_out import Task, find

    there = await find(session, item)
    if there is None:
        raise NothingFound("there is no such email any more")
    work, conversation, node = there
    if work.state == "done":
        raise NothingFound(f"email {work.number} is done ({work.outcome}); nothing was sent")
    if work.holder is None:
        raise NothingFound(
            f"email {work.number} waits in queue {work.queue}, and nobody works on it: "
            f"`ccm email take {work.number} --agent …` gives it to somebody"
        )
    return Task(work, conversation, node, work.agents[work.holder]), node


async def _order(session: "Session", node: str, words: str, files: int) -> "Order":
    from ccmiddleware.mail import agent_commands

    queues = [row["name"] for row in await session.fetch("queues_of_node", node)]
    order = agent_commands.parse(words, queues, files)
    if isinstance(order, agent_commands.Refused):
        raise click.UsageError(" ".join(order.problems))
    return order


async def _carrying_out(app: App, database: "Database", node: str) -> "CarryingOut":
    from ccmiddleware.clock import utc_now
    from ccmiddleware.mail.keys import signing_keys
    from ccmiddleware.mail.mailboxes import carrying_out, rules_for

    settings = app.settings()
    everywhere = {one.name: settings.mailboxes_of(one.name) for one in settings.node}
    mailboxes = everywhere.get(node, {})
    if not mailboxes:
        raise NothingFound(f"the configuration has no mailbox of node {node} to answer from")
    rules = rules_for(
        next(iter(mailboxes.values())), everywhere, await signing_keys(database, utc_now)
    )
    return carrying_out(mailboxes, rules, utc_now)


async def _preview(
    session: "Session",
    carrying_out: "CarryingOut",
    task: "Task",
    order: "Order",
    id_: uuid.UUID,
    files: "list[File]",
    to_all: bool,
) -> "Answer | None":
    from ccmiddleware.mail.agent_commands import Reply

    if not isinstance(order, Reply):
        return None
    return await carrying_out.answer(session, task, order.text, id=id_, files=files, to_all=to_all)


def _tell_preview(number: int, order: "Order", answer: "Answer | None", *, as_json: bool) -> None:
    from ccmiddleware.mail.agent_commands import in_words

    content = answer.composed.content.decode("utf-8", "replace") if answer is not None else ""
    if as_json:
        recipients = list(answer.composed.recipients) if answer is not None else []
        shown: dict[str, Any] = {"number": number, "dry_run": True, "done": in_words(order)}
        emit_json(shown | {"recipients": recipients, "content": content})
        return
    say(f"nothing was done; this would be: email {number}: {in_words(order)}")
    if answer is not None:
        emit_text(content.replace("\r\n", "\n"))


def _words(text: str | None, path: Path | None) -> str:
    from ccmiddleware.mail.soundness import lines

    if path is not None:
        with path.open("rb") as file:
            raw = file.read(LONGEST + 1)
    elif text == "-":
        raw = sys.stdin.buffer.read(LONGEST + 1)
    else:
        raw = (text or "").encode("utf-8", "replace")
    if len(raw) > LONGEST:
        raise click.UsageError(f"the text is longer than {LONGEST} bytes")
    try:
        return lines(raw.decode("utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError:
        raise click.UsageError("the text is not in UTF-8") from None


def _attached(path: Path) -> "File":
    import mimetypes

    from ccmiddleware.mail.composing import File
    from ccmiddleware.plaintext import plain

    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise click.UsageError(f"{path} is larger than {LARGEST_FILE} bytes")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(plain(path.name, 120), kind, content)
