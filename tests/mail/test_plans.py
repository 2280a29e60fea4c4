"""Guards: what is asked for each message is planned well even while the tables are empty.

A plan is kept as long as its connection; one that was made on the first day, before there was any
mail, must still be good when a backlog of 20,000 has come in through it.
"""

import pytest

from ccmiddleware.store.database import Database, queries

TABLES = (
    "work_item",
    "email",
    "email_quarantine",
    "outbox",
    "conversation",
    "conversation_participant",
)
TRAFFIC = (
    "email_traffic",
    "timestamptz, text[], text[], uuid[]",
    "now(), '{a@b}', '{x}', '{NULL}'",
)


async def plan(database: Database, name: str, types: str, values: str) -> str:
    """The plan that does not look at the values."""
    async with database.transaction() as transaction:
        await transaction.execute("plan_once")
        await transaction.rows(f"PREPARE {name} ({types}) AS {queries()[name].sql}")
        found = await transaction.rows(f"EXPLAIN (COSTS OFF) EXECUTE {name} ({values})")
        await transaction.rows(f"DEALLOCATE {name}")
    return "\n".join(row[0] for row in found)


@pytest.mark.parametrize(
    ("name", "types", "values"),
    [
        TRAFFIC,
        ("holders_of_message_ids", "text[]", "'{a,b}'"),
        ("known_conversations", "uuid[]", "'{}'"),
        ("conversation_number", "uuid", "NULL"),
        ("work_standing", "text", "'pbx1'"),
        ("work_waiting", "text, timestamptz, integer", "'pbx1', now(), 25"),
        ("relays_due", "text, integer, uuid[]", "'pbx1', 20, '{}'"),
        ("relays_failed", "text", "'pbx1'"),
        ("relays_before", "uuid, uuid", "NULL, NULL"),
        ("conversation_before", "uuid, uuid, timestamptz, integer", "NULL, NULL, now(), 5"),
    ],
)
async def test_no_table_that_grows_is_read_from_end_to_end(
    database: Database, name: str, types: str, values: str
):
    text = await plan(database, name, types, values)
    assert not [table for table in TABLES if f"Seq Scan on {table} " in text], text


async def test_mail_is_found_by_what_few_have_in_common(database: Database):
    text = await plan(database, *TRAFFIC)
    for index, condition in (
        ("email_from on email", "from_address ="),
        ("email_quarantine_sender on email_quarantine", "lower(sender) ="),
        ("email_conversation", "conversation_id ="),
        ("outbox_conversation on outbox", "conversation_id ="),
    ):
        (begin,) = [place for place in range(len(text)) if text.startswith(f"using {index}", place)]
        below = text[begin:].splitlines()[1]
        assert condition in below, text
