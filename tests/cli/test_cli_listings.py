"""The listing commands on a real database: tables, JSON, filters, words for empty answers."""

import json

from ccm_day import Ccm

DAY = ("--since", "2026-03-02", "--until", "2026-03-03")


def test_queue_list_shows_queues_and_who_works_in_them(filled: Ccm) -> None:
    rows = json.loads(filled.run("queue", "list", "--json").stdout)
    assert [(row["node"], row["queue"], row["members"], row["waiting"]) for row in rows] == [
        ("pbx1", "sales", 0, 0),
        ("pbx1", "support", 2, 0),
    ]
    table = filled.run("queue", "list").stdout
    assert "support" in table
    assert "rrmemory" in table
