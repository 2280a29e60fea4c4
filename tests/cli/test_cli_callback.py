"""`ccm callback` on a real database."""

import asyncio
import json
from typing import Any

import pytest
from ccm_day import Ccm

from ccmiddleware.store.database import Database

NUMBER = "12025550123"


def listed(ccm: Ccm, *options: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(ccm.run("callback", "list", *options, "--json").stdout)
    return rows


def execute(url: str, sql: str) -> None:
    async def run() -> None:
        async with Database(url) as database:
            await database.rows(sql)

    asyncio.run(run())


def test_none_yet(on_database: Ccm) -> None:
    assert "ccm-callbacks.conf" in on_database.run("callback", "list").stderr
    assert listed(on_database) == []
    assert "there is no callback" in on_database.run("callback", "show", "x", code=1).stderr


def test_one_is_added_shown_and_cancelled(filled: Ccm) -> None:
    planned = filled.run("callback", "add", "support", NUMBER, "--dry-run")
    assert "nothing was written" in planned.stderr
    assert (
        f"{NUMBER} is called by agents of support on pbx1, between 08:00 and 20:00"
        in planned.stdout
    )
    assert listed(filled) == []
    id_ = filled.run("callback", "add", "support", NUMBER).stdout.strip()
    (row,) = listed(filled, "--queue", "support", "--number", NUMBER, "--open")
    assert (row["id"], row["state"], row["attempts"]) == (id_, "waiting", 0)
    assert row["asked_by"] != "caller"
    assert listed(filled, "--state", "done") == []
    assert id_[:13] in filled.run("callback", "list").stdout
    shown = filled.run("callback", "show", id_[:13])
    assert NUMBER in shown.stdout
    assert "has not been put into its queue yet" in shown.stderr
    for nothing in ("", "%"):  # also where there is only one that it could mean
        filled.run("callback", "cancel", nothing, code=1)
    again = filled.run("callback", "add", "support", NUMBER)
    assert "keeps its place" in again.stderr
    filled.run("callback", "cancel", id_)
    assert [row["state"] for row in listed(filled, "--state", "cancelled")] == ["cancelled"]
    refused = filled.run("callback", "cancel", id_, code=1)
    assert "can't be cancelled: it is cancelled" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("support", "12"), 2, "3 to 18 digits"),
        (("support", "12025550123,Set"), 2, "3 to 18 digits"),
        (("sup,port", NUMBER), 2, "does not take"),
        (("nowhere", NUMBER), 1, "there is no queue 'nowhere'"),
    ],
)
def test_what_can_not_be_added_is_told(
    filled: Ccm, arguments: tuple[str, ...], code: int, words: str
) -> None:
    assert words in filled.run("callback", "add", *arguments, code=code).stderr
    assert listed(filled) == []


def test_one_whose_customer_is_being_called_is_not_cancelled(
    filled: Ccm, database_url: str
) -> None:
    id_ = filled.run("callback", "add", "support", NUMBER).stdout.strip()
    execute(database_url, "UPDATE ccm.callback SET state = 'queued'")
    execute(
        database_url,
        "INSERT INTO ccm.callback_attempt (attempt, callback_id, ordinal, term, placed_at,"
        " valid_until, place) SELECT 'ccmcb-x', id, 1, 1, now(), now(), 2 FROM ccm.callback",
    )
    assert "takes its placeholder out" in filled.run("callback", "cancel", id_).stderr
    execute(database_url, "INSERT INTO ccm.callback_step VALUES ('ccmcb-x', 'dial', now())")
    assert [row["state"] for row in listed(filled)] == ["calling"]
    refused = filled.run("callback", "cancel", id_, code=1)
    assert "the customer is being called" in refused.stderr
    whole = json.loads(filled.run("callback", "show", id_, "--json").stdout)
    assert [one["steps"] for one in whole["attempts"]] == [["dial"]]
