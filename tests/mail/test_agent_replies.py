"""What agents write back: carried out once, or refused, and no outsider's mail counts as theirs.

Real bytes through the real reading and rules, into a real Postgres; the attacks that
docs/email-security.md names are among these.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from mail.test_filing import MAILBOX, NODE, NOW, QUEUE, arrived, begin_term
from mail.test_settling import HELP, KEYS, RULES, SALES

from ccmiddleware.contacts.addresses import address as of_text
from ccmiddleware.contacts.addresses import email
from ccmiddleware.contacts.agents_word import linking
from ccmiddleware.contacts.book import editing
from ccmiddleware.contacts.changes import Contact
from ccmiddleware.errors import TemporaryError
from ccmiddleware.mail.agent_replies import MOST_RECEIPTS_OF_ONE, AgentReplies
from ccmiddleware.mail.carrying_out import CarryingOut
from ccmiddleware.mail.filing import Filing, Taken
from ccmiddleware.mail.letters import TO_ANSWER, Identity, Item, Posting, relay
from ccmiddleware.mail.message import Address, Limits, Message
from ccmiddleware.mail.outbox import put
from ccmiddleware.mail.reading import part_bytes, parts_bytes, read
from ccmiddleware.mail.settling import Rules, Settling
from ccmiddleware.mail.tokens import Key, Keys, Kind, Use, message_id, reply_address
from ccmiddleware.store.database import Database, Session

ANN = "ann.lee@customer.example"
ALICE, BOB = "alice@agents.example", "bob@agents.example"
IDENTITIES = {
    MAILBOX: Identity(QUEUE, Address(HELP, "Help Desk"), "mark", NOW.tzinfo, "-- \nThe shop"),  # type: ignore[arg-type]
    "sales": Identity("sales", Address(SALES, "Sales"), "mark", NOW.tzinfo, "Sales team"),  # type: ignore[arg-type]
}
QUESTION = {
    "From": f'"Ann Lee" <{ANN}>', "To": HELP, "Cc": "boss@customer.example",
    "Subject": "Where is my parcel?", "Message-ID": "<one@customer.example>",
    "References": "<zero@customer.example>",
}  # fmt: skip


class Readers:
    """Without a process of its own."""

    async def parts(self, raw: bytes, numbers: Sequence[int]) -> list[bytes | None] | str:
        return parts_bytes(raw, numbers, Limits())


class Desk:
    """A mailbox for customers and agents; Alice and Bob may take what comes."""

    def __init__(self, database: Database, term: int) -> None:
        self.database = database
        self.term = term
        self.now = NOW
        self.uid = 0
        self.filing = self.made()

    def made(self, rules: Rules = RULES, **given: Any) -> Filing:
        carrying_out = CarryingOut(IDENTITIES.get, rules.keys, rules.ours, lambda: self.now)
        replies = AgentReplies(
            IDENTITIES[MAILBOX], rules, carrying_out, Readers(), lambda: self.now, **given
        )
        return Filing(
            self.database, NODE, self.term, MAILBOX, Settling(rules, lambda: self.now).decide,
            lambda: self.now, ours=rules.ours, for_agents=replies,
        )  # fmt: skip

    async def open(self) -> None:
        await self.filing.open("sales")  # the queue is known
        await self.filing.open(QUEUE)
        await self.filing.begin_folder(7)
        await self.reopened(self.filing)
        for address in (ALICE, BOB):
            name = address.partition("@")[0].title()
            await self.database.rows(
                "INSERT INTO ccm.agent (node_id, interface, name, email)"
                " SELECT id, $1, $2, $3 FROM ccm.node",
                f"PJSIP/{name}", name, address,
            )  # fmt: skip

    async def reopened(self, filing: Filing) -> None:
        await filing.open(QUEUE)
        self.filing = filing

    async def comes(self, raw: bytes) -> Taken:
        """A message arrives, as it stands."""
        self.uid += 1
        return await self.filing.take(arrived(self.uid, raw, at=self.now), read(raw, Limits()))

    async def mail(
        self, text: str, files: Sequence[tuple[str, bytes]] = (), **fields: str
    ) -> Taken:
        return await self.comes(mail(text, files, **fields))

    async def agent(self, address: str = ALICE) -> UUID:
        (row,) = await self.database.rows("SELECT id FROM ccm.agent WHERE email = $1", address)
        found: UUID = row["id"]
        return found

    async def takes(self, address: str = ALICE) -> dict[str, Any]:
        """The agent takes the newest item, as on the phone."""
        item = await self.item()
        sql = "SELECT ccm.take_work($1, $2, $3) AS taken"
        (row,) = await self.database.rows(sql, item["id"], await self.agent(address), self.now)
        assert row["taken"]
        return await self.item()

    async def item(self) -> dict[str, Any]:
        sql = (
            "SELECT w.*, q.name AS queue, c.state AS talk, c.id AS conversation"
            " FROM ccm.work_item AS w JOIN ccm.queue AS q ON q.id = w.queue_id"
            " JOIN ccm.conversation AS c ON c.id = w.conversation_id ORDER BY w.number DESC"
        )
        return dict((await self.database.rows(sql))[0])

    async def address(
        self, agent: str = ALICE, item: UUID | None = None, keys: Keys = KEYS, days: int = 14
    ) -> str:
        """Where the agent answers to."""
        about = item or (await self.item())["id"]
        who = str(await self.agent(agent))
        return reply_address(keys, HELP, Use.AGENT, about, who, self.now + timedelta(days=days))

    async def rows(self, table: str, order: str = "id") -> list[dict[str, Any]]:
        sql = f"SELECT * FROM ccm.{table} ORDER BY {order}"  # noqa: S608 - of the test
        return [dict(row) for row in await self.database.rows(sql)]

    async def outbox(self, kind: str) -> list[EmailMessage]:
        found = [row for row in await self.rows("outbox") if row["kind"] == kind]
        return [parsed(row["content"]) for row in found]

    async def untouched(self) -> None:
        """Nothing was sent to anybody, and Alice still works on it."""
        assert await self.rows("outbox") == []
        assert await self.rows("conversation_note") == []
        item = await self.item()
        assert (item["state"], item["talk"]) == ("working", "open")

    async def held(self) -> str:
        (row,) = await self.rows("email_quarantine")
        assert row["kind"] == "reply"
        return str(row["reason"])

    async def receipt(self) -> str:
        (only,) = await self.outbox("receipt")
        (row,) = await self.database.rows(
            "SELECT r.address FROM ccm.outbox_recipient AS r JOIN ccm.outbox AS o"
            " ON o.id = r.outbox_id WHERE o.kind = 'receipt'"
        )
        assert row["address"] == ALICE
        assert only["Auto-Submitted"] == "auto-replied"
        return words(only)


def mail(text: str, files: Sequence[tuple[str, bytes]] = (), **fields: str) -> bytes:
    """A mail from Alice, unless ``fields`` say otherwise; ``html`` instead of text."""
    made = EmailMessage(policy=policy.SMTP.clone(max_line_length=900))
    html = fields.pop("html", "")
    headers = {
        "From": f"Alice <{ALICE}>", "Subject": "Re: [#1] Where is my parcel?",
        "Message-ID": "<reply@agents.example>",
    }  # fmt: skip
    for name, value in {**headers, **{k.replace("_", "-"): v for k, v in fields.items()}}.items():
        made[name] = value
    if html:
        made.set_content(html, subtype="html")
    else:
        made.set_content(text)
    for name, content in files:
        made.add_attachment(content, maintype="text", subtype="plain", filename=name)
    return made.as_bytes()


def parsed(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def words(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.fixture
async def desk(database: Database) -> Desk:
    made = Desk(database, await begin_term(database))
    await made.open()
    await made.mail("It has not come.", **QUESTION)
    await made.takes()
    return made


async def contacts_of(desk: Desk) -> list[tuple[str, str, str]]:
    found = await desk.database.rows(
        "SELECT c.name, a.address, a.linked_how FROM ccm.contact AS c"
        " JOIN ccm.contact_address AS a ON a.contact_id = c.id ORDER BY a.address"
    )
    return [(row["name"], row["address"], row["linked_how"]) for row in found]


async def test_an_agent_says_that_a_number_is_the_same_customers(desk: Desk):
    await desk.reopened(desk.made(linking=linking))
    await desk.mail("#contact +49 30 123456\n", To=await desk.address())
    assert await contacts_of(desk) == [
        ("Ann Lee", "+4930123456", "agent"), ("Ann Lee", ANN, "agent"),
    ]  # fmt: skip
    assert "known as one customer" in await desk.receipt()
    assert (await desk.item())["state"] == "working"
    # Beside an answer; what is known already is no mistake.
    await desk.mail(
        "#close\n#contact Ann@Home.example\n\nIt comes.", To=await desk.address(),
        Message_ID="<second@agents.example>",
    )  # fmt: skip
    assert [address for _, address, _ in await contacts_of(desk)] == [
        "+4930123456", ANN, "ann@home.example",
    ]  # fmt: skip
    (answer,) = await desk.outbox("answer")
    assert words(answer).startswith("It comes.")
    assert "#contact" not in answer.as_string()
    item = await desk.item()
    assert (item["state"], item["talk"]) == ("done", "closed")
    assert sorted(row["what"] for row in await desk.rows("agent_reply")) == ["answer", "contact"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("#contact", "an address or a number"),
        ("#contact nobody", "no telephone number"),
        ("#contact a@b@c", "no e-mail address"),
    ],
)
async def test_a_contact_that_is_none_stops_the_answer_too(desk: Desk, word: str, said: str):
    await desk.reopened(desk.made(linking=linking))
    await desk.mail(f"{word}\nIt comes.", To=await desk.address())
    assert said in await desk.receipt()
    assert await desk.outbox("answer") == []
    assert await contacts_of(desk) == []
    assert (await desk.item())["state"] == "working"


async def test_two_known_customers_are_not_made_one(desk: Desk):
    await desk.reopened(desk.made(linking=linking))
    async with editing(desk.database, by="op") as edit:
        for name, text in (("Ann Lee", ANN), ("Eve", "eve@else.example")):
            (new,) = await edit.new_ids(1)
            edit.book.make(Contact(new, name))
            edit.book.link(new, [email(text)])
    await desk.mail("#contact eve@else.example", To=await desk.address())
    assert "known as different customers" in await desk.receipt()
    assert len(await contacts_of(desk)) == 2


async def test_an_answer_that_cannot_be_sent_links_nobody(desk: Desk):
    await desk.reopened(desk.made(linking=linking))
    await desk.mail(f"#contact 030123456\nWrite to {ALICE}.", To=await desk.address())
    assert "must not reach the customer" in await desk.receipt()
    assert await contacts_of(desk) == []


# -- who wants no calls -------------------------------------------------------------------------


async def opted_out(desk: Desk) -> list[tuple[Any, ...]]:
    rows = await desk.rows("opt_out")
    return [
        (row["channel"], row["asked"], row["numbers"], row["noted_by"], row["honoured_at"] is None)
        for row in rows
    ]


async def test_an_agent_says_that_the_customer_wants_no_calls(desk: Desk):
    await desk.reopened(desk.made(linking=linking))
    await desk.mail("#optout", To=await desk.address())
    assert "no telephone number of that customer is known" in await desk.receipt()
    assert await opted_out(desk) == []
    async with editing(desk.database, by="op") as edit:
        (new,) = await edit.new_ids(1)
        edit.book.make(Contact(new, "Ann Lee"))
        edit.book.link(new, [email(ANN), of_text("+4930123456", edit.rule)])
    await desk.mail(
        "#close\n#optout\n#optout +49 (30) 999\n\nSorry.", To=await desk.address(),
        Message_ID="<second@agents.example>",
    )  # fmt: skip
    numbers = ["+4930123456", "+4930999"]
    (found,) = await opted_out(desk)
    assert found == ("email", ANN, numbers, "Alice", False)
    rows = await desk.rows("dnc_entry")
    assert sorted((row["number"], row["source"]) for row in rows) == [
        (number, "opt_out") for number in numbers
    ]
    (answer,) = await desk.outbox("answer")
    assert words(answer).startswith("Sorry.")


async def test_numbers_that_are_none_stop_the_answer_too(desk: Desk):
    await desk.mail("#optout 030123\nSorry.", To=await desk.address())
    assert "no number with + and country code" in await desk.receipt()
    assert await desk.outbox("answer") == []


# -- what an agent can do -------------------------------------------------------------------


async def test_an_answer_goes_to_the_customer_as_the_queue(desk: Desk):
    token = await desk.address()
    taken = await desk.mail(
        "It comes tomorrow.\n\nOn 28 Nov 2026 at 09:00, Help Desk wrote:\n> It has not come.\n",
        To=token,
    )
    assert (taken.became, taken.fresh) == ("reply", True)
    (answer,) = await desk.outbox("answer")
    assert answer["From"] == "Help Desk <help@shop.example>"
    assert answer["To"] == f"Ann Lee <{ANN}>"
    assert (answer["Cc"], answer["Reply-To"], answer["Auto-Submitted"]) == (None, None, None)
    assert answer["Subject"] == "Re: Where is my parcel?"
    assert answer["In-Reply-To"] == "<one@customer.example>"
    assert answer["References"] == "<zero@customer.example> <one@customer.example>"
    assert words(answer).startswith("It comes tomorrow.\n\n-- \nThe shop\n\nOn ")
    assert words(answer).endswith("Ann Lee wrote:\n> It has not come.\n")
    for trace in (ALICE, "agents.example", token.partition("@")[0].partition("+")[2], "Alice"):
        assert trace.lower() not in answer.as_string().lower()
    item = await desk.item()
    assert (item["state"], item["outcome"], item["talk"]) == ("done", "answered", "waiting")
    assert await desk.outbox("receipt") == []
    (reply,) = await desk.rows("agent_reply")
    assert (reply["id"], reply["what"], reply["by"]) == (taken.id, "answer", "Alice")
    sent = next(row for row in await desk.rows("email") if row["direction"] == "outbound")
    assert reply["email_id"] == sent["id"]
    assert (sent["conversation_id"], sent["body"]) == (item["conversation"], "It comes tomorrow.")
    assert sent["from_address"] == HELP
    assert sent["recipients"] == [{"role": "to", "address": ANN, "name": "Ann Lee"}]
    again = await desk.mail(
        "Thank you!", From=ANN, To=HELP, Message_ID="<three@customer.example>",
        In_Reply_To=str(answer["Message-ID"]),
    )  # fmt: skip
    assert again.conversation == item["conversation"]


async def test_an_answer_that_is_html_with_files(desk: Desk):
    taken = await desk.mail(
        "",
        [("plan.txt", b"a plan")],
        To=await desk.address(),
        html="<p>It comes <b>tomorrow</b>.</p>",
    )
    assert taken.became == "reply"
    (answer,) = await desk.outbox("answer")
    assert words(answer).startswith("It comes tomorrow.\n")
    (file,) = answer.iter_attachments()
    assert (file.get_filename(), file.get_content().strip()) == ("plan.txt", "a plan")
    (sent,) = [row for row in await desk.rows("email") if row["direction"] == "outbound"]
    (stored,) = sent["attachments"]
    (row,) = [row for row in await desk.rows("outbox") if row["kind"] == "answer"]
    assert part_bytes(row["content"], stored["part"], Limits()) is not None
    assert stored["name"] == "plan.txt"


async def test_an_answer_goes_where_the_customer_wants_it_and_to_all_if_set(desk: Desk):
    await desk.reopened(desk.made(to_all=True, receipts=True))
    await desk.mail(
        "And?", From=ANN, To=f"{HELP}, carl@customer.example", Reply_To="ann@home.example",
        Message_ID="<two@customer.example>", References="<one@customer.example>",
    )  # fmt: skip
    await desk.mail("Tomorrow.", To=await desk.address())
    (answer,) = await desk.outbox("answer")
    assert (answer["To"], answer["Cc"]) == ("ann@home.example", "carl@customer.example")
    assert answer["In-Reply-To"] == "<two@customer.example>"
    assert "Your answer goes to the customer." in await desk.receipt()


@pytest.mark.parametrize(
    ("text", "state", "talk", "outcome", "answers", "receipt"),
    [
        ("#close", "done", "closed", "closed", 0, "the conversation is closed"),
        ("#close\nBye.", "done", "closed", "answered", 1, "the conversation is closed"),
        ("#wait 2d", "waiting", "waiting", None, 0, "comes back in 2d"),
        ("#wait 2h\nSoon.", "waiting", "waiting", None, 1, "comes back in 2h"),
        ("#note\nShe is right.", "working", "open", None, 0, "Your note was added"),
        (
            "#note\n#close\nShe is right.",
            "done",
            "closed",
            "noted",
            0,
            "the conversation is closed",
        ),
        ("#transfer Sales\nFor you.", "waiting", "open", None, 0, "It goes to queue sales"),
    ],
)
async def test_commands(
    desk: Desk, text: str, state: str, talk: str, outcome: str | None, answers: int, receipt: str
):
    assert (await desk.mail(text, To=await desk.address())).became == "reply"
    item = await desk.item()
    assert (item["state"], item["talk"], item["outcome"]) == (state, talk, outcome)
    assert len(await desk.outbox("answer")) == answers
    assert receipt in await desk.receipt()
    if "#wait" in text:
        assert item["asleep"]
        assert item["not_before"] > desk.now + timedelta(hours=1)
    if "#transfer" in text:
        assert item["queue"] == "sales"
    noted = [line for line in ("She is right.", "For you.") if line in text]
    assert [row["text"] for row in await desk.rows("conversation_note")] == noted


async def test_mistakes_are_told_and_do_nothing(desk: Desk):
    for number, (text, expected) in enumerate(
        (
            ("#cloes\nBye.", "did you mean #close?"),
            ("#transfer nowhere", "There is no queue 'nowhere'"),
            ("#close\n#wait 2d", "contradict each other"),
            (" ", "There is no text in your answer"),
            (f"Write to {ALICE} yourself.", "must not reach the customer"),
            (f"Yes.\nEmail 1 in queue support. {TO_ANSWER}", "stands in your text: delete it"),
        )
    ):
        desk.now += timedelta(minutes=1)
        await desk.mail(text, To=await desk.address(), Message_ID=f"<{number}@agents.example>")
        last = (await desk.outbox("receipt"))[-1]
        assert expected in " ".join(words(last).split())
        assert "Nothing was done" in words(last)
        assert "Answer this mail to try again." in words(last)
        assert (await desk.item())["state"] == "working"
    assert await desk.outbox("answer") == []
    await desk.mail("Tomorrow.", To=str(last["Reply-To"]), Message_ID="<right@agents.example>")
    assert len(await desk.outbox("answer")) == 1


async def test_files_that_name_the_agent_do_not_leave(desk: Desk):
    await desk.mail("See.", [("card.txt", b"Mail: Alice@Agents.example")], To=await desk.address())
    assert "stands in the file card.txt" in await desk.receipt()
    assert await desk.outbox("answer") == []


async def test_signatures_and_cards_of_mail_programs_are_left_out(desk: Desk):
    raw = mail("Tomorrow.", [("card.vcf", f"EMAIL:{ALICE}".encode())], To=await desk.address())
    before, plain, after = raw.rpartition(b"Content-Type: text/plain")
    assert plain
    await desk.comes(before + b"Content-Type: text/vcard" + after)
    (answer,) = await desk.outbox("answer")
    assert list(answer.iter_attachments()) == []


async def test_a_customer_who_wrote_again_meanwhile_is_not_passed_over(desk: Desk):
    first = await relayed(desk)
    await desk.mail(
        "One more thing.", From=ANN, To=HELP, Message_ID="<two@customer.example>",
        References="<one@customer.example>",
    )  # fmt: skip
    await desk.mail("#close\nTomorrow.", To=await desk.address(), In_Reply_To=f"<{first}>")
    (answer,) = await desk.outbox("answer")
    assert answer["In-Reply-To"] == "<one@customer.example>"
    told = await desk.receipt()
    assert "The customer has written again meanwhile: email" in told
    assert "closed" not in told
    item = await desk.item()
    assert (item["state"], item["talk"]) == ("working", "open")
    await desk.mail("And that too.", To=await desk.address(), Message_ID="<second@agents.example>")
    assert [one["In-Reply-To"] for one in await desk.outbox("answer")].count(
        "<two@customer.example>"
    ) == 1
    assert (await desk.item())["state"] == "done"


async def relayed(desk: Desk) -> str:
    """What Alice got; its Message-ID."""
    item = await desk.item()
    token = await desk.address()
    id_ = UUID(int=77)
    name = message_id(KEYS, Kind.RELAY, item["conversation"], id_, "shop.example")
    (email,) = await desk.rows("email")
    question = read(mail("It has not come.", **QUESTION), Limits())
    assert isinstance(question, Message)
    composed = relay(
        IDENTITIES[MAILBOX], Posting(name, desk.now), Item(item["number"], token, Address(ALICE)),
        question,
    )  # fmt: skip
    async with desk.database.transaction() as transaction:
        await put(
            transaction, id=id_, mailbox=email["mailbox_id"], conversation=item["conversation"],
            kind="relay", message_id=name, envelope_from=HELP, recipients=[ALICE],
            content=composed.content, now=desk.now,
        )  # fmt: skip
    await desk.database.rows(
        "INSERT INTO ccm.email_relay (outbox_id, email_id, item_id, agent_id, taken_at, relayed_at)"
        " VALUES ($1, $2, $3, $4, $5, $5)",
        id_, email["id"], item["id"], await desk.agent(), desk.now,
    )  # fmt: skip
    return name


# -- once -----------------------------------------------------------------------------------


async def test_a_mail_that_is_taken_again_does_nothing_again(desk: Desk):
    raw = mail("Tomorrow.", To=await desk.address())
    await desk.comes(raw)
    assert not (await desk.comes(raw)).fresh
    # Another copy of it, by another way.
    assert (await desk.comes(b"Received: from elsewhere\r\n" + raw)).became == "reply"
    assert len(await desk.outbox("answer")) == 1
    assert await desk.outbox("receipt") == []
    assert {row["what"] for row in await desk.rows("agent_reply")} == {"answer", "repeated"}


async def test_a_note_that_is_replayed_is_one_note(desk: Desk):
    raw = mail("#note\nShe is right.", To=await desk.address())
    await desk.comes(raw)
    await desk.comes(b"X-Replayed: yes\r\n" + raw)
    assert len(await desk.rows("conversation_note")) == 1
    assert len(await desk.outbox("receipt")) == 1


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("Tomorrow.", "is answered already"),
        ("#close", "is closed"),
        ("#note\n#close\nOdd.", "note was all"),
    ],
)
async def test_a_second_answer_is_told_that_it_is_too_late(desk: Desk, first: str, expected: str):
    await desk.reopened(desk.made(receipts=False))
    await desk.mail(first, To=await desk.address())
    answers = len(await desk.outbox("answer"))
    await desk.mail("And that.", To=await desk.address(), Message_ID="<second@agents.example>")
    told = [one for one in await desk.outbox("receipt") if "Nothing was done" in words(one)]
    assert [expected in words(one) for one in told] == [True]
    assert "try again" not in words(told[0])
    assert told[0]["Reply-To"] is None
    assert len(await desk.outbox("answer")) == answers


async def test_a_batch_with_answers_and_customers_mail_is_taken_in_order(desk: Desk):
    token = await desk.address()
    batch = [
        mail("Hello?", From="carl@customer.example", To=HELP, Message_ID="<c1@x.example>"),
        mail("Tomorrow.", To=token),
        mail("Too late.", To=token, Message_ID="<second@agents.example>"),
        mail("Hello?", From="dora@customer.example", To=HELP, Message_ID="<d1@x.example>"),
    ]
    taken = await desk.filing.take_all(
        [(arrived(50 + at, raw, at=desk.now), read(raw, Limits())) for at, raw in enumerate(batch)]
    )
    assert [one.became for one in taken] == ["email", "reply", "reply", "email"]
    assert len(await desk.outbox("answer")) == 1
    assert "is answered already" in await desk.receipt()


async def test_what_fails_on_the_way_leaves_nothing_and_is_done_when_taken_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """As if the daemon had been killed, or Postgres had gone, just before the end of it."""
    raw = mail("#close\nTomorrow.", To=await desk.address())
    execute = Session.execute

    async def gone(session: Session, name: str, *arguments: Any) -> int:
        if name == "note_email_places":
            raise TemporaryError("Postgres is away")
        return await execute(session, name, *arguments)

    with monkeypatch.context() as away:
        away.setattr(Session, "execute", gone)
        with pytest.raises(TemporaryError):
            await desk.comes(raw)
    await desk.untouched()
    assert await desk.rows("agent_reply") == []
    assert (await desk.comes(raw)).became == "reply"
    assert len(await desk.outbox("answer")) == len(await desk.outbox("receipt")) == 1
    assert (await desk.item())["talk"] == "closed"


async def test_of_two_answers_at_the_same_moment_one_is_sent(desk: Desk):
    token = await desk.address()
    raws = [mail(f"Answer {one}.", To=token, Message_ID=f"<{one}@agents.example>") for one in "ab"]
    taken = await asyncio.gather(*(desk.comes(raw) for raw in raws))
    assert [one.became for one in taken] == ["reply", "reply"]
    assert len(await desk.outbox("answer")) == 1
    assert "is answered already" in await desk.receipt()


# -- attacks and accidents ------------------------------------------------------------------


async def test_a_forged_token_is_held(desk: Desk):
    token = await desk.address()
    forged = (
        token.replace(token[-20], "a" if token[-20] != "a" else "b", 1)
        if token[-20] != "@"
        else token
    )
    local, _, domain = token.partition("@")
    forged = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    assert (await desk.mail("#close", To=forged)).became == "quarantine"
    assert "was not made by us" in await desk.held()
    await desk.untouched()


async def test_a_token_of_keys_that_are_not_ours_is_held(desk: Desk):
    await desk.mail("#close", To=await desk.address(keys=Keys(Key(1, b"x" * 32))))
    assert "was not made by us" in await desk.held()
    await desk.untouched()


async def test_the_token_of_another_item_says_nothing_about_this_one(desk: Desk):
    mine = await desk.item()
    await desk.mail("Hello?", From="carl@customer.example", To=HELP, Message_ID="<c1@x.example>")
    other = await desk.takes(BOB)
    # Alice never had Bob's, so her token for it can't be; Bob's is not good for her.
    await desk.mail("#close", To=await desk.address(ALICE, other["id"]))
    assert "was not made by us" in await desk.held()
    await desk.mail("#close", To=await desk.address(BOB, other["id"]), Message_ID="<2@a.example>")
    held = [row["reason"] for row in await desk.rows("email_quarantine")]
    assert any(f"is that of {BOB}, but the mail is from {ALICE}" in one for one in held)
    states = {row["id"]: row["state"] for row in await desk.rows("work_item")}
    assert states == {mine["id"]: "working", other["id"]: "working"}
    assert await desk.rows("outbox") == []


async def test_an_expired_token_is_told_and_a_new_one_given(desk: Desk):
    token = await desk.address(days=1)
    desk.now += timedelta(days=2)
    await desk.mail("Tomorrow.", To=token)
    assert "was good until" in await desk.receipt()
    assert (await desk.item())["state"] == "working"
    (only,) = await desk.outbox("receipt")
    await desk.mail("Tomorrow.", To=str(only["Reply-To"]), Message_ID="<second@agents.example>")
    assert len(await desk.outbox("answer")) == 1


async def test_tokens_of_an_older_key_are_good_while_it_is_listed(desk: Desk):
    token = await desk.address()
    rotated = Keys(Key(2, b"n" * 32), (KEYS.signing,))
    await desk.reopened(desk.made(with_keys(rotated)))
    await desk.mail("Tomorrow.", To=token)
    assert len(await desk.outbox("answer")) == 1


async def test_tokens_of_a_key_that_is_gone_are_held(desk: Desk):
    token = await desk.address()
    await desk.reopened(desk.made(with_keys(Keys(Key(2, b"n" * 32)))))
    await desk.mail("Tomorrow.", To=token)
    assert "signed with a key that is no longer listed" in await desk.held()
    await desk.untouched()


def with_keys(keys: Keys) -> Rules:
    return Rules(RULES.own, RULES.mailboxes, keys, RULES.loop_mark)


async def test_the_right_token_from_another_sender_is_held_and_nobody_is_told(desk: Desk):
    senders = (
        "eve@evil.example", ANN, BOB, f'"{ALICE}" <eve@evil.example>',
        f"eve@evil.example, {ALICE}", f"{ALICE}, eve@evil.example",
    )  # fmt: skip
    for number, sender in enumerate(senders):
        await desk.mail(
            "#close\nGo away.", From=sender, To=await desk.address(), Message_ID=f"<{number}@x.x>"
        )
    held = [row["reason"] for row in await desk.rows("email_quarantine")]
    assert len(held) == len(senders)
    assert all(f"the token is that of {ALICE}, but the mail" in reason for reason in held)
    await desk.untouched()


async def test_a_customer_who_learnt_the_address_reaches_nobody_by_it(desk: Desk):
    token = await desk.address()
    await desk.mail(
        "#transfer sales", From=ANN, To=f"{HELP}, {token}", Message_ID="<two@customer.example>",
        References="<one@customer.example>",
    )  # fmt: skip
    assert f"but the mail is from {ANN}" in await desk.held()
    await desk.untouched()


async def test_a_customer_who_writes_commands_writes_text(desk: Desk):
    taken = await desk.mail(
        "#close\n#transfer sales\nHa.", From=ANN, To=HELP, Message_ID="<two@customer.example>",
        References="<one@customer.example>",
    )  # fmt: skip
    assert taken.became == "email"
    await desk.untouched()


async def test_commands_that_a_customer_wrote_and_the_agent_quotes_are_not_the_agents(desk: Desk):
    quoted = "On Sat, 28 Nov 2026 at 09:00, Ann Lee wrote:\n> #close\n> #transfer sales\n> Ha."
    await desk.mail(f"It comes tomorrow.\n\n{quoted}\n", To=await desk.address())
    (answer,) = await desk.outbox("answer")
    assert words(answer).startswith("It comes tomorrow.\n")
    item = await desk.item()
    assert (item["outcome"], item["talk"], item["queue"]) == ("answered", "waiting", QUEUE)


async def test_an_agents_out_of_office_answers_nobody(desk: Desk):
    subject = "[#1] Where is my parcel?"
    every: list[dict[str, str]] = [
        {"Auto-Submitted": "auto-replied"},
        {"Auto-Submitted": "auto-generated"},
        {"Precedence": "auto_reply"},
        {"Precedence": "bulk"},
        {"Return-Path": "<>"},
        {"X-Auto-Response-Suppress": "All"},
        {"List-Id": "<agents.example>"},
        {"X-CCM-Loop": "mark"},
        {"Subject": f"Automatic reply: {subject}"},
        {"Subject": f"Out of Office Re: {subject}"},
        {"Subject": f"Abwesenheitsnotiz: {subject}"},
    ]
    for number, marks in enumerate(every):
        marks |= {"Message-ID": f"<{number}@agents.example>"}
        await desk.mail("I am away until Monday.", To=await desk.address(), **marks)
    held = await desk.rows("email_quarantine")
    assert ["a program sent it" in row["reason"] for row in held] == [True] * len(every)
    await desk.untouched()


async def test_a_robot_in_an_agents_mailbox_gets_few_receipts(desk: Desk):
    """One that says of itself nothing, and answers all that it gets."""
    for number in range(20):
        await desk.mail("I am away.", To=await desk.address(), Message_ID=f"<{number}@a.example>")
    assert len(await desk.outbox("answer")) == 1  # nobody can tell it from an agent's
    assert len(await desk.outbox("receipt")) == MOST_RECEIPTS_OF_ONE
    desk.now += timedelta(minutes=61)
    await desk.mail("I am back.", To=await desk.address(), Message_ID="<later@a.example>")
    assert len(await desk.outbox("receipt")) == MOST_RECEIPTS_OF_ONE + 1


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ("SELECT ccm.requeue_work(w.id, q.id, $1, $1, 'transferred', '') FROM ccm.work_item AS w,"
         " ccm.queue AS q WHERE q.name = 'sales'", "it waits in queue sales"),
        ("SELECT ccm.requeue_work(w.id, w.queue_id, $1, $1, 'given back', ''),"
         " ccm.take_work(w.id, a.id, $1) FROM ccm.work_item AS w, ccm.agent AS a"
         " WHERE a.name = 'Bob'", "somebody else works on it"),
    ],
)  # fmt: skip
async def test_an_answer_after_the_item_went_to_others_is_told(
    desk: Desk, then: str, expected: str
):
    token = await desk.address()
    await desk.database.rows(then, desk.now)
    before = await desk.item()
    await desk.mail("#close\nTomorrow.", To=token)
    told = await desk.receipt()
    assert expected in told
    assert "Tomorrow." in told
    assert await desk.outbox("answer") == []
    assert await desk.item() == before


async def test_an_agent_whose_address_was_taken_away_can_do_nothing(desk: Desk):
    token = await desk.address()
    await desk.database.rows("UPDATE ccm.agent SET email = NULL WHERE email = $1", ALICE)
    await desk.mail("#close", To=token)
    assert "has no mail address any more" in await desk.held()
    await desk.untouched()


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("=?utf-8?q?Hi=0D=0ABcc:_eve@evil.example?=", "Ann"),
        ("Hi", "=?utf-8?q?Ann=0D=0ABcc:_eve@evil.example?="),
        ("Hi", "=?utf-8?q?Ann=22_=3Ceve=40evil.example=3E?="),
    ],
)
async def test_no_header_of_an_answer_comes_from_a_customers_words(
    database: Database, subject: str, name: str
):
    desk = Desk(database, await begin_term(database))
    await desk.open()
    await desk.comes(
        f"From: {name} <{ANN}>\r\nTo: {HELP}\r\nSubject: {subject}\r\n"
        "Message-ID: <one@customer.example>\r\n\r\nHello\r\n".encode()
    )
    await desk.takes()
    await desk.mail(
        "Tomorrow.", To=await desk.address(), Subject="=?utf-8?q?Re=0D=0ABcc:_eve@evil.example?="
    )
    (row,) = [row for row in await desk.rows("outbox") if row["kind"] == "answer"]
    answer = parsed(row["content"])
    assert answer["Bcc"] is None
    assert b"\nBcc" not in row["content"]
    addresses = await desk.database.rows("SELECT address FROM ccm.outbox_recipient")
    assert [one["address"] for one in addresses] == [ANN]


async def test_an_encrypted_answer_is_not_sent_on(desk: Desk):
    raw = mail("x", To=await desk.address())
    head, _, _ = raw.partition(b"Content-Type")
    await desk.comes(
        head
        + b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\nMIAGCSqGSIb3DQEHA6CAMIACAQAx\r\n"
    )
    assert "It is encrypted" in await desk.receipt()
    assert await desk.outbox("answer") == []


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("mx.shop.example; dmarc=pass header.from=agents.example", True),
        ("mx.shop.example; dmarc=fail header.from=agents.example", False),
        ("mx.evil.example; dmarc=pass header.from=agents.example", False),
        ("", False),
    ],
)
async def test_the_mail_server_can_be_asked_about_the_sender(
    desk: Desk, value: str, accepted: bool
):
    await desk.reopened(desk.made(proven_by="mx.shop.example"))
    marks = {"Authentication-Results": value} if value else {}
    await desk.mail("Tomorrow.", To=await desk.address(), **marks)
    assert len(await desk.outbox("answer")) == accepted
    if not accepted:
        assert "mx.shop.example" in await desk.held()
        await desk.untouched()


async def test_the_copy_in_another_mailbox_of_ours_does_nothing(desk: Desk):
    sales = Rules(frozenset({SALES}), RULES.mailboxes, KEYS, RULES.loop_mark)
    await desk.reopened(desk.made(sales))
    await desk.mail("Tomorrow.", To=await desk.address(), Cc=SALES)
    assert "which has a copy of its own" in await desk.held()
    await desk.untouched()


async def test_two_items_at_once_are_too_many(desk: Desk):
    first = await desk.address()
    await desk.mail("Hello?", From="carl@customer.example", To=HELP, Message_ID="<c1@x.example>")
    await desk.takes()
    await desk.mail("Tomorrow.", To=f"{first}, {await desk.address()}")
    assert "answer one at a time" in await desk.receipt()
    assert await desk.outbox("answer") == []


async def test_a_token_for_customers_is_none_for_agents(desk: Desk):
    item = await desk.item()
    address = reply_address(
        KEYS, HELP, Use.CUSTOMER, item["conversation"], "", desk.now + timedelta(1)
    )
    taken = await desk.mail("#close", From=ANN, To=address, Message_ID="<two@customer.example>")
    assert (taken.became, taken.conversation) == ("email", item["conversation"])
    await desk.untouched()


async def test_the_queue_that_has_it_answers_in_its_own_name(desk: Desk):
    await desk.database.rows(
        "INSERT INTO ccm.mailbox (name, node_id, queue_id) SELECT 'sales', n.id, q.id"
        " FROM ccm.node AS n, ccm.queue AS q WHERE q.name = 'sales'"
    )
    await desk.mail("#transfer sales", To=await desk.address())
    await desk.takes(BOB)
    await desk.mail(
        "Tomorrow.", From=BOB, To=await desk.address(BOB), Message_ID="<bob@agents.example>"
    )
    (answer,) = await desk.outbox("answer")
    assert answer["From"] == "Sales <sales@shop.example>"
    assert "Sales team" in words(answer)
