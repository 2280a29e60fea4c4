"""docs/reports.md: every example runs with an analyst's rights and shows something."""

import re
from pathlib import Path

import asyncpg
import pytest
from pasted_facts import given

DOCUMENT = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```sql\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)

FACTS = """
queue
sales
support

member | queue
ann    | support

visit | queue   | joined   | answered | left     | outcome
a     | sales   | 09:00:00 |          | 09:00:30 | timed_out
a     | support | 09:00:30 | 09:00:40 | 09:00:40 | answered
b     | sales   | 09:20:00 |          | 09:22:00 | abandoned
c     | support | 10:00:00 |          |          |

segment | visit | agent | answered | ended    | by
a       | 2     | ann   | 09:00:40 | 09:01:40 | transfer
a       | 2     | bob   | 09:01:40 | 09:02:40 | caller

recording | number | state   | started  | error
a         | 2      | missing | 09:01:40 | file not found

link | since    | until
-    | 09:00:00 | 09:50:00

logged | at       | queue   | event      | data
a      | 09:00:00 | sales   | ENTERQUEUE | /+4930/1
a      | 09:00:30 | sales   | ABANDON    | 1/1/30

state | agent | since    | until    | state  | reason
-     | ann   | 08:00:00 | 09:00:00 | paused | lunch
-     | ann   | 09:00:00 |          | idle   |
"""

MAILED = """
INSERT INTO ccm.mailbox (name, node_id, queue_id)
SELECT 'help', node_id, id FROM ccm.queue WHERE name = 'support';
INSERT INTO ccm.email_raw (sha256, content, stored_at)
VALUES (decode(repeat('00', 32), 'hex'), '', now());
INSERT INTO ccm.conversation (node_id, queue_id, subject, opened_at, changed_at)
SELECT node_id, queue_id, 'Help', '2026-11-27 09:00+00', '2026-11-27 09:00+00' FROM ccm.mailbox;
INSERT INTO ccm.email (id, conversation_id, mailbox_id, direction, sha256, message_id, at,
    from_address, from_name, subject, body, quoted, html, joined_by)
SELECT ccm.uuid7(), c.id, m.id, 'inbound', r.sha256, '', c.opened_at,
    'cara@customer.example', '', 'Help', '', '', '', ''
FROM ccm.conversation c, ccm.mailbox m, ccm.email_raw r;
SELECT ccm.open_work(id) FROM ccm.email;
UPDATE ccm.work_item SET due_at = '2026-11-27 10:30+00';
"""

DIALLED = """
INSERT INTO ccm.campaign (name, created_by, state_by) VALUES ('spring', 'ann', 'ann');
INSERT INTO ccm.place (country, zones, states) VALUES ('US', '{America/New_York}', '{US-FL}');
INSERT INTO ccm.lead (campaign_id, place_id) SELECT c.id, p.id FROM ccm.campaign c, ccm.place p;
INSERT INTO ccm.dnc_entry (number, source, added_by, added_version)
VALUES ('+12025550101', 'internal', 'ann', 1);
INSERT INTO ccm.attempt (campaign_id, lead_id, ordinal, number, number_ordinal, node, term, mode,
    trunk, caller_id, claimed_at, dialed_at, answered_at, connected_at, ended_at, result, live,
    interface)
SELECT l.campaign_id, l.id, 1, '+13052220001', 1, n.name, 1, 'predictive', 'one', '+12025550100',
    '2026-11-27 09:00+00', '2026-11-27 09:00+00', '2026-11-27 09:00:09+00',
    '2026-11-27 09:00:10+00', '2026-11-27 09:02+00', 'connected', true, a.interface
FROM ccm.lead l, ccm.agent a JOIN ccm.node n ON n.id = a.node_id;
INSERT INTO ccm.campaign_decision
SELECT id, '2026-11-27 09:00+00', 1, 1, 1, 'pacing', '{}' FROM ccm.campaign;
"""


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
async def test_examples_run_for_an_analyst(db: asyncpg.Connection, number: int) -> None:
    await given(db, FACTS, now="10:01")
    await db.execute(MAILED)
    await db.execute(DIALLED)
    await db.execute("SET ROLE ccm_report")
    await db.execute("SET search_path = public")
    *settings, query = [part for part in EXAMPLES[number].split(";") if part.strip()]
    for setting in settings:
        await db.execute(setting)
    assert await db.fetch(query), f"shows nothing:\n{query}"


async def test_the_document_names_every_view_and_no_other(db: asyncpg.Connection) -> None:
    there = await db.fetch("SELECT viewname FROM pg_views WHERE schemaname = 'report'")
    assert set(re.findall(r"report\.(\w+)", DOCUMENT)) - {"md"} == {
        row["viewname"] for row in there
    }


async def test_the_columns_it_explains_are_there(db: asyncpg.Connection) -> None:
    rows = await db.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'report'"
    )
    explained = set(re.findall(r"`(\w+(?:_rate|_seconds|_at|_start))`", DOCUMENT))
    assert len(explained) > 8
    assert explained <= {row["column_name"] for row in rows}
