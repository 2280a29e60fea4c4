"""report.journey: what a contact did over all channels, each thing once, in order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from test_view_plans import YEAR, explained

BEGIN = datetime(2026, 11, 27, 9, tzinfo=UTC)
SETUP = """
SELECT ccm.ensure_partitions('2026-11-01+00', 1);
INSERT INTO ccm.node (name) VALUES ('pbx');
INSERT INTO ccm.queue (node_id, name) SELECT id, 'support' FROM ccm.node;
INSERT INTO ccm.agent (node_id, interface, name) SELECT id, 'PJSIP/1', 'Alice' FROM ccm.node;
INSERT INTO ccm.mailbox (name, node_id, queue_id)
SELECT 'help', node_id, id FROM ccm.queue;
INSERT INTO ccm.email_raw VALUES (sha256('x'), 'x', true, now());
UPDATE ccm.contact_setting SET country_code = '49';
"""


def at(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


async def contact(db: asyncpg.Connection, name: str, *addresses: str) -> Any:
    id_ = await db.fetchval(
        "INSERT INTO ccm.contact (name, made_by) VALUES ($1, 'me') RETURNING id", name
    )
    for one in addresses:
        kind = "email" if "@" in one else "phone"
        await db.execute(
            "INSERT INTO ccm.contact_address VALUES ($1, $2, $3, 'cli', 'me')", kind, one, id_
        )
    return id_


async def call(
    db: asyncpg.Connection, minute: int, number: str, direction: str = "inbound", **more: str
) -> Any:
    id_ = await db.fetchval(
        "INSERT INTO ccm.interaction SELECT overlay(gen_random_uuid()::text PLACING"
        " substring(ccm.uuid7_bound($1)::text FOR 13) FROM 1)::uuid, 1, n.id, $4, $3, 'ended',"
        " '', '', $2, '', '', $1, $1, $5, false FROM ccm.node AS n RETURNING id",
        at(minute), number, direction, more.get("channel", "voice"),
        more.get("outcome", "answered"),
    )  # fmt: skip
    await db.execute(
        "INSERT INTO ccm.queue_visit SELECT $1, 1, 1, id, 1, $2, $2, $2, 'answered', false"
        " FROM ccm.queue",
        id_, at(minute),
    )  # fmt: skip
    await db.execute(
        "INSERT INTO ccm.segment SELECT $1, 1, 1, 1, id, '', '', $2, $2, $2, 'caller', 0, 0, false"
        " FROM ccm.agent",
        id_, at(minute),
    )  # fmt: skip
    return id_


async def matter(db: asyncpg.Connection, subject: str) -> Any:
    return await db.fetchval(
        "INSERT INTO ccm.conversation (node_id, queue_id, subject, opened_at, changed_at)"
        " SELECT node_id, id, $1, now(), now() FROM ccm.queue RETURNING id",
        subject,
    )


async def email(
    db: asyncpg.Connection, minute: int, of: Any, sender: str, *to: str, automatic: str = ""
) -> None:
    outbound = sender == "help@shop.example"
    await db.execute(
        "INSERT INTO ccm.email (id, conversation_id, mailbox_id, direction, sha256, message_id, at,"
        " from_address, from_name, recipients, subject, body, quoted, html, joined_by, automatic)"
        " SELECT gen_random_uuid(), $1, m.id, $2, sha256('x'), $3, $4, $5, '',"
        " (SELECT coalesce(jsonb_agg(jsonb_build_object('role', 'to', 'address', a)), '[]')"
        "  FROM unnest($6::text[]) AS a), 'Subject ' || $3, '', '', '', 'opened', $7"
        " FROM ccm.mailbox AS m",
        of, "outbound" if outbound else "inbound", str(minute), at(minute), sender, list(to),
        automatic,
    )  # fmt: skip


async def journey(db: asyncpg.Connection, id_: Any) -> list[tuple[Any, ...]]:
    rows = await db.fetch("SELECT * FROM report.journey WHERE contact_id = $1", id_)
    return [
        (int((row["at"] - BEGIN).total_seconds()) // 60, row["channel"], row["direction"],
         row["address"], row["outcome"])
        for row in rows
    ]  # fmt: skip


async def test_calls_and_emails_stand_in_one_order_each_once(db: asyncpg.Connection) -> None:
    await db.execute(SETUP)
    ann = await contact(db, "Ann", "ann@x.example", "a@home.example", "+4930123", "1001")
    bob = await contact(db, "Bob", "bob@x.example", "+49301234")
    broken = await matter(db, "Broken")
    await call(db, 10, "030123")
    await call(db, 2, "+4930123", "outbound", outcome="busy")
    await call(db, 6, "004930123", "outbound", channel="callback")
    await call(db, 3, "4930123")  # not one of its forms
    await call(db, 4, "+49301234")  # Bob's, which begins as Ann's
    await call(db, 5, "1001", "internal")
    await email(db, 1, broken, "ann@x.example", "help@shop.example")
    await email(db, 7, broken, "help@shop.example", "a@home.example", "Ann@X.example")
    await email(db, 8, broken, "help@shop.example", "ann@x.example", automatic="acknowledgement")
    await email(db, 9, broken, "a@home.example", "help@shop.example", "bob@x.example")
    assert await journey(db, ann) == [
        (1, "email", "inbound", "ann@x.example", "answered"),
        (2, "voice", "outbound", "+4930123", "busy"),
        (6, "callback", "outbound", "004930123", "answered"),
        (7, "email", "outbound", "a@home.example", None),
        (8, "email", "outbound", "ann@x.example", None),
        (9, "email", "inbound", "a@home.example", "open"),
        (10, "voice", "inbound", "030123", "answered"),
    ]
    assert await journey(db, bob) == [(4, "voice", "inbound", "+49301234", "answered")]


async def test_a_row_says_queue_agents_conversation_and_subject(db: asyncpg.Connection) -> None:
    await db.execute(SETUP)
    ann = await contact(db, "Ann", "ann@x.example", "+4930123")
    broken, late = await matter(db, "Broken"), await matter(db, "Late")
    id_ = await call(db, 1, "030123")
    link = "INSERT INTO ccm.conversation_interaction (conversation_id, interaction_id, linked_by)"
    for of in (broken, late):
        await db.execute(f"{link} VALUES ($1, $2, 'me')", of, id_)
        await db.execute("SELECT pg_sleep(0.002)")  # ids of one millisecond have no order
    await db.execute(
        "UPDATE ccm.conversation_interaction SET unlinked_at = now(), unlinked_by = 'me'"
        " WHERE conversation_id = $1",
        late,
    )
    await email(db, 2, broken, "ann@x.example")
    call_row, mail = await db.fetch("SELECT * FROM report.journey WHERE contact_id = $1", ann)
    assert (call_row["contact"], call_row["queue"], call_row["agents"]) == (
        "Ann", "support", ["Alice"],
    )  # fmt: skip
    assert (call_row["conversation_id"], call_row["subject"]) == (broken, "Broken")
    assert (mail["conversation_id"], mail["subject"], mail["agents"]) == (broken, "Subject 2", [])


async def test_analysts_may_read_it(db: asyncpg.Connection) -> None:
    await db.execute(SETUP)
    ann = await contact(db, "Ann", "ann@x.example", "+4930123")
    await call(db, 1, "030123")
    await email(db, 2, await matter(db, "Broken"), "help@shop.example", "ann@x.example")
    await db.execute("SET ROLE ccm_report")
    assert len(await journey(db, ann)) == 2


async def test_one_contact_reads_its_rows_and_no_others(db: asyncpg.Connection) -> None:
    """Beside 32,000 calls of a year, and 5,000 emails, of others."""
    await db.execute(YEAR)
    await db.execute("UPDATE ccm.interaction SET caller_num = uniqueid")
    await db.execute(SETUP.replace("INSERT INTO ccm.node (name) VALUES ('pbx');", "")
                     .replace("'PJSIP/1', 'Alice'", "'PJSIP/x', 'Alice'")
                     .replace("SELECT 'help', node_id, id FROM ccm.queue",
                              "SELECT 'help', node_id, id FROM ccm.queue LIMIT 1"))  # fmt: skip
    await db.execute(
        "INSERT INTO ccm.conversation (node_id, queue_id, subject, opened_at, changed_at)"
        " SELECT node_id, queue_id, n, now(), now() FROM ccm.mailbox, generate_series(1, 5000) n;"
        "INSERT INTO ccm.email (id, conversation_id, mailbox_id, direction, sha256, message_id, at,"
        " from_address, from_name, recipients, subject, body, quoted, html, joined_by)"
        " SELECT gen_random_uuid(), c.id, m.id,"
        " CASE WHEN c.subject::int % 2 = 0 THEN 'inbound' ELSE 'outbound' END, sha256('x'), c.id,"
        " now(), c.subject || '@x.example', '',"
        " jsonb_build_array(jsonb_build_object('address', c.subject || '@x.example')), '', '', '',"
        " '', '' FROM ccm.conversation c, ccm.mailbox m"
    )
    people = [
        await contact(db, str(n), f"{n}@x.example", f"{n + 1}@x.example", str(n))
        for n in range(1, 400, 2)
    ]
    await db.execute("ANALYZE")
    plan = await explained(db, "SELECT * FROM report.journey WHERE contact_id = $1", people[100])
    assert plan[0]["Actual Rows"] == 3  # a call, an email in and one out
    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in plan
        if node.get("Relation Name", "").startswith(
            ("interaction", "email", "queue_visit", "segment", "conversation")
        )
    )
    assert read < 30, plan
