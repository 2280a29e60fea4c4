"""`ccm email reply` on a real database: the customer gets what is written, as the queue."""

import json
from email import message_from_bytes
from pathlib import Path

from ccm_day import Ccm
from click.testing import CliRunner
from test_cli_email_work import Ask, answer, ask, state, work  # noqa: F401 - fixtures

from ccmiddleware.cli.commanding import user
from ccmiddleware.cli.main import cli

OUTBOX = (
    "SELECT o.content, o.kind, ARRAY(SELECT r.address FROM ccm.outbox_recipient AS r"
    " WHERE r.outbox_id = o.id) AS recipients FROM ccm.outbox AS o"
)
NOTHING = ("working", "open", "support", "Alice Arnold")


def taken(work: Ccm) -> None:  # noqa: F811
    work.run("email", "take", "1", "--agent", "Alice Arnold")


def test_an_answer_is_sent_and_the_item_done(work: Ccm, ask: Ask) -> None:  # noqa: F811
    taken(work)
    said = answer(work, "reply", "1", "It comes tomorrow.")
    assert (said["number"], said["what"]) == (1, "answer")
    (row,) = ask(OUTBOX)
    mail = message_from_bytes(row["content"])
    assert (row["kind"], row["recipients"]) == ("answer", ["ann@x.example"])
    assert mail["From"] == "<help@shop.example>"
    assert mail["In-Reply-To"] == "<2@x.example>"
    assert b"It comes tomorrow." in row["content"]
    assert b"alice" not in row["content"].lower()
    assert state(ask) == ("done", "waiting", "support", None)
    (kept,) = ask("SELECT by, what, email_id FROM ccm.agent_reply")
    assert (kept["by"], kept["what"]) == (user(), "answer")
    assert str(kept["email_id"]) == said["email_id"]
    shown = json.loads(work.run("email", "show", said["email_id"], "--json").stdout)
    assert (shown["direction"], shown["body"]) == ("outbound", "It comes tomorrow.")
    again = work.run("email", "reply", "1", "Once more.", code=1).stderr
    assert "email 1 is done (answered); nothing was sent" in again


def test_closing_waiting_and_files(work: Ccm, ask: Ask, tmp_path: Path) -> None:  # noqa: F811
    taken(work)
    words, plan = tmp_path / "words.txt", tmp_path / "plan.txt"
    words.write_text("Soon.\n")
    plan.write_text("a plan")
    said = work.run(
        "email", "reply", "1", "--file", str(words), "--attach", str(plan), "--wait", "2d"
    ).stderr
    assert "comes back in 2d" in said
    assert state(ask)[:2] == ("waiting", "waiting")
    (row,) = ask(OUTBOX)
    assert b'filename="plan.txt"' in row["content"]
    taken(work)
    work.run("email", "reply", "1", "Done.", "--close")
    assert state(ask)[:2] == ("done", "closed")


def test_standard_input_and_commands_in_it(work: Ccm, ask: Ask) -> None:  # noqa: F811
    taken(work)
    arguments = ["--config", str(work.config), "email", "reply", "1", "-"]
    done = CliRunner().invoke(cli, arguments, input="#transfer sales\nFor you.\n")
    assert done.exit_code == 0, done.stderr
    assert state(ask)[:3] == ("waiting", "open", "sales")
    (note,) = ask("SELECT text, author, agent_id FROM ccm.conversation_note")
    assert (note["text"], note["author"], note["agent_id"]) == ("For you.", user(), None)
    assert ask(OUTBOX) == []


def test_a_dry_run_shows_what_would_be_sent(work: Ccm, ask: Ask) -> None:  # noqa: F811
    taken(work)
    done = work.run("email", "reply", "1", "It comes tomorrow.", "--close", "--dry-run")
    assert (
        "nothing was done; this would be: email 1: Your answer goes to the customer" in done.stderr
    )
    assert "In-Reply-To: <2@x.example>" in done.stdout
    assert "It comes tomorrow." in done.stdout
    said = answer(work, "reply", "1", "Hello.", "--dry-run")
    assert said["recipients"] == ["ann@x.example"]
    assert state(ask) == NOTHING
    assert ask(OUTBOX) == []


def test_what_is_wrong_is_said_and_nothing_done(work: Ccm, ask: Ask) -> None:  # noqa: F811
    said = work.run("email", "reply", "1", "Hello.", code=1).stderr
    assert "email 1 waits in queue support, and nobody works on it: `ccm email take 1" in said
    taken(work)
    for arguments, code, words in (
        (("1",), 2, "give the text as TEXT"),
        (("1", "x", "--file", str(work.config)), 2, "give the text as TEXT"),
        (("1", "x", "--close", "--wait", "2d"), 2, "contradict"),
        (("1", "x", "--wait", "soon"), 2, "is no time"),
        (("1", "#cloes\nx"), 2, "did you mean #close?"),
        (("1", ""), 2, "There is no text"),
        (("1", "Ask alice@shop.example"), 3, "must not reach the customer"),
        (("99", "x"), 1, "there is no email '99'"),
    ):
        assert words in work.run("email", "reply", *arguments, code=code).stderr
    assert state(ask) == NOTHING
    assert ask(OUTBOX) == []
