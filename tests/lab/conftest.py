"""The lab for tests: real servers, started once for each module that wants them.

A lab that can't start is a failure, never a skip.
"""

import sys

import pytest
from lab.root import Servers, servers

# Their assertions are as telling as those of tests.
pytest.register_assert_rewrite("outage_site")


@pytest.fixture(scope="session")
def lab_servers() -> Servers:
    """Asterisk and SIPp, built when they are missing."""
    return servers(lambda line: print(line, file=sys.stderr))
