"""The keys that sign what we send. All daemons share them through Postgres."""

import hashlib
import secrets

from ccmiddleware.clock import Clock
from ccmiddleware.mail.tokens import Key, Keys
from ccmiddleware.store.database import Database

KEY_BYTES = 32


async def signing_keys(database: Database, clock: Clock) -> Keys:
    """The keys; the first one is made when there is none. Raises TemporaryError."""
    rows = await database.fetch("email_keys")
    if not rows:
        await database.execute("make_email_key", secrets.token_bytes(KEY_BYTES), clock())
        rows = await database.fetch("email_keys")
    present, *older = (Key(row["id"], row["secret"]) for row in rows)
    return Keys(present, tuple(older))


def loop_mark(keys: Keys) -> str:
    """What X-CCM-Loop says in all that we send; the same for good, whatever keys come later."""
    oldest = (keys.signing, *keys.older)[-1]
    return hashlib.sha256(b"X-CCM-Loop" + oldest.secret).hexdigest()[:20]
