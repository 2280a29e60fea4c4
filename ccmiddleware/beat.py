"""One beat for all who look at something again and again.

To be woken up for a moment costs a process more than most looks cost: what it needs has left the
processor's caches meanwhile. So loops whose exact moment matters to nobody wake up together, on
the whole multiples of their pauses.
"""

import asyncio
from math import floor

LEAST = 0.25
"""Part of a pause that is kept between two looks at least, however long the first one took."""


def next_beat(pause: float) -> float:
    """The next moment, in the loop's own seconds, for who pauses so long. ``pause`` is above 0.

    It is a quarter of a pause away at least, and one and a quarter at most.
    """
    now = asyncio.get_running_loop().time()
    return floor(now / pause + 1 + LEAST) * pause


async def beat(pause: float) -> None:
    """Sleep until then."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(next_beat(pause) - loop.time() if pause > 0 else 0)
