"""Callers who want no more calls, on a real Asterisk: the row of queue_log, and none for nobody."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import witness
from lab.asterisk import SHIPPED, Asterisk
from lab.plan import ALICE, Plan
from lab.processes import until
from lab.root import Servers

from ccmiddleware.queue_log.rows import Line, parse

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

LIBRARY = "ccm-opt-out.conf"
PATIENCE = 30.0
PLAN = Plan(
    agents=(ALICE,),
    queues=(),
    files={LIBRARY: (SHIPPED / "dialplan" / LIBRARY).read_text()},
    dialplan=f"""
#include "{LIBRARY}"
[globals]
CCM_OPT_OUT_SOUND = beep
[try]
exten => given,1,Set(CALLERID(num)=+13052220001)
 same => n,Goto(ccm-opt-out,s,1)
exten => hostile,1,Set(CALLERID(num)=305222|x(0002)
 same => n,Goto(ccm-opt-out,s,1)
exten => withheld,1,Set(CALLERID(num)=)
 same => n,Goto(ccm-opt-out,s,1)
exten => last,1,Set(CALLERID(num)=13052220009)
 same => n,Goto(ccm-opt-out,s,1)
""",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pbx(lab_servers: Servers) -> AsyncIterator[Asterisk]:
    async with Asterisk(lab_servers, PLAN) as running:
        yield running


def asked(pbx: Asterisk) -> list[Line]:
    lines = map(parse, pbx.queue_log_path.read_bytes().splitlines())
    return [line for line in lines if line is not None and line.event == "CCMOPTOUT"]


def _over(text: str) -> bool:
    return "0 active channels" in text


async def test_who_asks_is_told_by_a_row(pbx: Asterisk) -> None:
    for who in ("given", "hostile", "withheld", "last"):
        await pbx.cli(f"channel originate Local/{who}@try application Wait 5")

    await until(lambda: len(asked(pbx)) >= 3, PATIENCE, "rows of those who asked")

    async def channels() -> str:
        return await pbx.cli("core show channels")

    await witness.eventually(
        channels, lambda text: "0 active channels" in text, PATIENCE, "the end"
    )
    found = sorted(tuple(row.data) for row in asked(pbx))
    assert found == [("+13052220001",), ("13052220009",), ("3052220002",)]
    assert {(row.queue, row.agent) for row in asked(pbx)} == {("NONE", "NONE")}
    assert len({row.call for row in asked(pbx)}) == 3
