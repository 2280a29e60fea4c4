"""Chaos: real calls through a real Asterisk while everything around them breaks, then the account.

``plan`` is what will happen, from a seed. ``ground`` has the servers, ``load`` the callers,
``faults`` what breaks. ``stored`` reads what Postgres has afterwards, ``told`` what queue_log has,
``comparing`` says where the two differ, ``report`` prints it, ``run`` does it all in order.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "deploy"), str(ROOT / "tests" / "lab")]
