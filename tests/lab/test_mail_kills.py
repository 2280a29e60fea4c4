"""Each email stored once and each answer delivered once, while the daemon is killed. Short form.

The long one, with 300 emails and 100 kills: see CONTRIBUTING, chaos.
"""

from pathlib import Path

import pytest
from chaos.mail import Wanted, run
from lab.root import Servers, mail_servers

pytestmark = [pytest.mark.lab, pytest.mark.asyncio]


async def test_nothing_lost_and_nothing_twice(lab_servers: Servers, tmp_path: Path) -> None:
    wanted = Wanted(seed=1, emails=20, kills=6, agents=4, limit=300)
    found = await run(wanted, lab_servers, mail_servers(print), tmp_path, print)
    assert found.problems == []
    assert (found.stored, found.kills) == (20, 6)
    assert found.answers + found.unknown >= 20
