"""A mailbox on an IMAP server, as the intake needs it: few operations, each with a limit.

Every operation raises TemporaryError when the connection is over (open another one then),
PermanentError when the server refuses for good, and AuthenticationRefused when the login is wrong.
What the server says is not trusted: nothing is read into memory beyond the limits. A mailbox serves
one worker; operations wait for each other.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Literal, Self, TypeVar

from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.mail import imap_link, imap_wire
from ccmiddleware.mail.imap_link import AuthenticationRefused, Link, Patience, Security
from ccmiddleware.mail.imap_wire import NotImap, Response
from ccmiddleware.mail.tls import tls_context

__all__ = [
    "AuthenticationRefused", "Fetched", "Limits", "Login", "Mailbox", "Patience", "Security",
    "Selected", "Server", "connect",
]  # fmt: skip

LONGEST_IDLE = 25 * 60.0
"""Servers may end a connection after 30 minutes in which nothing was asked (RFC 2177)."""
SIZES_AT_ONCE = 200
SLACK = 4096
"""Bytes by which an answer may be longer than what was asked for."""
LOGOUT_SECONDS = 5.0

_FLAG = re.compile(r"\\?[A-Za-z0-9$_.+-]+")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Server:
    """Where the mailbox is. ``security`` plain is for a server on this machine, and has no TLS."""

    host: str
    port: int = 993
    security: Security = "tls"
    ca_file: str | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in; ``secret`` is the password, or the token of XOAUTH2."""

    user: str
    secret: str = field(repr=False)
    method: Literal["password", "xoauth2"] = "password"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is fetched: of a message, of the header of one that is too large, in one batch."""

    message_bytes: int = 35 * 1024 * 1024
    header_bytes: int = 256 * 1024
    batch_bytes: int = 4 * 1024 * 1024
    batch: int = 50


@dataclass(frozen=True, slots=True)
class Selected:
    """A folder when it was selected. UIDs hold only together with ``uidvalidity``.

    ``uidnext`` is None where the server does not tell. ``kept_flags`` are the flags that last, with
    ``\\*`` for any; None where it does not tell.
    """

    folder: str
    uidvalidity: int
    uidnext: int | None
    exists: int
    read_only: bool
    kept_flags: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message as the server gave it. ``problem`` says in words why ``raw`` is not all of it.

    Then ``raw`` is the header as far as it could be had, or nothing. ``size`` is what the server
    says, and not always true. ``arrived_at`` is INTERNALDATE, None where it makes no sense.
    """

    uid: int
    size: int
    flags: frozenset[str]
    raw: bytes
    problem: str = ""
    arrived_at: datetime | None = None


async def connect(
    server: Server, login: Login, patience: Patience | None = None, limits: Limits | None = None
) -> "Mailbox":
    """Connect and log in. Raises ConfigError for a CA file of no use, else as the module says."""
    patience, limits = patience or Patience(), limits or Limits()
    link = await imap_link.open_link(
        (server.host, server.port),
        server.security,
        tls_context(server.ca_file, verify=server.verify),
        patience,
        max(limits.message_bytes, limits.header_bytes) + SLACK,
    )
    mailbox = Mailbox(link, limits)
    try:
        await link.log_in(login.user, login.secret, login.method)
    except BaseException:
        await mailbox.close()
        raise
    return mailbox


class Mailbox:
    """An open connection, logged in. ``async with`` logs out, and only closes it after an error."""

    def __init__(self, link: Link, limits: Limits) -> None:
        self._link = link
        self._limits = limits
        self._selected: Selected | None = None

    @property
    def over(self) -> str:
        """Why the connection is over; empty while it is not."""
        return self._link.lost.result() if self._link.lost.done() else ""

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server can do, in capitals."""
        return frozenset(self._link.capabilities)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await (self.logout() if error is None else self.close())

    # --- folders ------------------------------------------------------------------------------

    async def select(self, folder: str) -> Selected:
        """Open a folder; what follows is about it."""
        self._selected = None
        response = await self._link.select(_name(folder))
        self._link.refuse(f"folder {folder}", response)
        told = dict(_codes(response.lines))
        uidvalidity = self._read(_optional_number, told, "UIDVALIDITY")
        if uidvalidity is None:
            raise PermanentError(f"{self._link.where}: folder {folder} has no UIDVALIDITY")
        kept = told.get("PERMANENTFLAGS")
        self._selected = Selected(
            folder,
            uidvalidity,
            self._read(_optional_number, told, "UIDNEXT"),
            self._link.exists,
            imap_wire.code(response.lines[-1])[0] == "READ-ONLY",
            None if kept is None else frozenset(kept.strip("()").split()),
        )
        self._link.news = False
        return self._selected

    async def ensure_folder(self, folder: str) -> None:
        """Create a folder unless it is there. Not for the one that is selected."""
        asked = await self._link.simple_command("STATUS", _name(folder), "(UIDNEXT)")
        if asked.result == "OK":
            return
        made = await self._link.simple_command("CREATE", _name(folder))
        if imap_link.code(made) != "ALREADYEXISTS":  # somebody else was faster
            self._link.refuse(f"folder {folder} can't be created", made)

    # --- what is new --------------------------------------------------------------------------

    async def uids_from(self, first: int) -> list[int]:
        """The UIDs of the selected folder from ``first`` on, in order."""
        self._link.news = False
        response = await self._link.search(f"UID {first}:*", by_uid=True, charset=None)
        self._link.refuse("search", response)
        return self._read(imap_wire.found_uids, response.lines, first)

    async def idle(self, seconds: float) -> bool:
        """Wait until the server tells of messages, for so long at most; whether it did.

        It returns at once when it told since ``uids_from`` was asked. A server without IDLE is
        asked when the time is over.
        """
        seconds = min(seconds, LONGEST_IDLE)
        if self._link.news:
            return True
        if "IDLE" in self._link.capabilities:
            await self._link.idle_for(seconds)
        else:
            await asyncio.wait([self._link.lost], timeout=seconds)
            await self.noop()
        return self._link.news

    async def noop(self) -> None:
        """Ask whether the server is there."""
        self._link.refuse("NOOP", await self._link.simple_command("NOOP"))

    # --- messages -----------------------------------------------------------------------------

    async def fetch(self, uids: Iterable[int]) -> AsyncIterator[Fetched]:
        """Each of these messages that is still there, in the order of UIDs; marks none as seen.

        What is over the limit, or what the server can't give, comes with its problem.
        """
        for _, some in imap_wire.uid_sets(uids, SIZES_AT_ONCE):
            known = await self._sizes(some)
            for batch in self._batches(known):
                if batch[0].problem:
                    asked, most = "HEADER", self._limits.header_bytes
                else:
                    asked, most = "", self._limits.message_bytes + 1
                bodies, _ = await self._bodies([one.uid for one in batch], asked, most)
                for one in batch:
                    raw = bodies.pop(one.uid, None)
                    if raw is not None:
                        yield self._with(one, raw)
                    elif (alone := await self._alone(one.uid, asked, most)) is not None:
                        yield alone

    async def _sizes(self, uids: list[int]) -> list[Fetched]:
        """Those of them that are there, without their bytes."""
        if not uids:
            return []
        ((text, _),) = imap_wire.uid_sets(uids, len(uids))
        response = await self._link.uid("FETCH", text, "(UID RFC822.SIZE FLAGS INTERNALDATE)")
        if imap_link.code(response) != "EXPUNGEISSUED":
            self._link.refuse("sizes", response)
        known = self._read(_described, response.lines, self._limits.message_bytes)
        return [known[uid] for uid in uids if uid in known]

    def _batches(self, known: Iterable[Fetched]) -> Iterator[list[Fetched]]:
        batch: list[Fetched] = []
        size = 0
        for one in known:
            full = len(batch) >= self._limits.batch or size + one.size > self._limits.batch_bytes
            if batch and (full or batch[0].problem != one.problem or one.problem):
                yield batch
                batch, size = [], 0
            batch.append(one)
            size += one.size
        if batch:
            yield batch

    async def _bodies(
        self, uids: list[int], section: str, most: int
    ) -> tuple[dict[int, bytes], str]:
        """The bytes of those that the server gives, and what it said; a NO gives none or some."""
        ((text, _),) = imap_wire.uid_sets(uids, len(uids))
        what = f"(UID BODY.PEEK[{section}]<0.{most}>)"
        response = await self._link.uid("FETCH", text, what)
        if response.result != "NO" or imap_link.may_pass(response):
            self._link.refuse("fetch", response)
        contents = self._read(_contents, response.lines, f"BODY[{section}]")
        return contents, f"{response.result} {imap_link.readable(response.lines[-1])}"

    async def _alone(self, uid: int, section: str, most: int) -> Fetched | None:
        """One that did not come with its batch: None when it is not there any more."""
        for known in await self._sizes([uid]):
            bodies, said = await self._bodies([uid], section, most)
            if uid in bodies:
                return self._with(known, bodies[uid])
            return replace(known, problem=f"the server does not give it: {said}")
        return None

    def _with(self, one: Fetched, raw: bytes) -> Fetched:
        if not one.problem and len(raw) > self._limits.message_bytes:
            problem = _too_large(len(raw), self._limits.message_bytes)
            return replace(one, raw=raw[: self._limits.header_bytes], problem=problem)
        return replace(one, raw=raw)

    async def add_flag(self, uids: Iterable[int], flag: str) -> None:
        """Set a flag (``\\Seen``, or a word of one's own) on these messages."""
        if not _FLAG.fullmatch(flag):
            raise PermanentError(f"{flag!r} is no flag: a word, or \\Seen, \\Flagged, \\Deleted")
        kept = self._selected.kept_flags if self._selected else None
        if kept is not None and not {flag.lower(), "\\*"} & {one.lower() for one in kept}:
            raise PermanentError(
                f"{self._link.where}: the folder keeps no flag {flag}, but {' '.join(sorted(kept))}"
            )
        for text, _ in imap_wire.uid_sets(uids):
            response = await self._link.uid("STORE", text, "+FLAGS.SILENT", f"({flag})")
            self._link.refuse(f"flag {flag}", response)

    async def move(self, uids: Iterable[int], folder: str) -> None:
        """Move messages into another folder, which is created when it is missing.

        Without MOVE they are copied, then deleted; a connection that is lost between leaves them in
        both. Without UIDPLUS they keep the flag ``\\Deleted``: nobody else's are expunged.
        """
        for text, _ in imap_wire.uid_sets(uids):
            if "MOVE" in self._link.capabilities:
                await self._into("MOVE", text, folder)
                continue
            await self._into("COPY", text, folder)
            deleted = await self._link.uid("STORE", text, "+FLAGS.SILENT", "(\\Deleted)")
            self._link.refuse("flag \\Deleted", deleted)
            if "UIDPLUS" in self._link.capabilities:
                self._link.refuse("EXPUNGE", await self._link.uid("EXPUNGE", text))

    async def _into(self, verb: str, text: str, folder: str) -> None:
        response = await self._link.uid(verb, text, _name(folder))
        if response.result == "NO" and imap_link.code(response) == "TRYCREATE":
            await self.ensure_folder(folder)
            response = await self._link.uid(verb, text, _name(folder))
        self._link.refuse(f"{verb} to {folder}", response)

    # --- the end ------------------------------------------------------------------------------

    async def logout(self) -> None:
        """Take leave politely if that is quick, and close."""
        if not self.over:
            with contextlib.suppress(TemporaryError, TimeoutError):
                async with asyncio.timeout(LOGOUT_SECONDS):
                    await self._link.logout()
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        self._link.end("closed")
        await self._link.gone()

    def _read(self, how: Callable[..., _T], *what: object) -> _T:
        """What a pure function makes of an answer; nonsense ends the connection."""
        try:
            return how(*what)
        except NotImap as error:
            self._link.end(f"what came is not IMAP: {error}")
            raise TemporaryError(f"{self._link.where}: what came is not IMAP: {error}") from None


def _name(folder: str) -> str:
    return imap_wire.mailbox(folder)


def _codes(lines: Iterable[Response]) -> Iterator[tuple[str, str]]:
    """Response codes of untagged OKs, such as UIDVALIDITY."""
    for line in lines:
        if line.upper().startswith(b"* OK "):
            yield imap_wire.code(line[5:])


def _optional_number(told: dict[str, str], name: str) -> int | None:
    return imap_wire.number(told[name].encode(), name) if name in told else None


def _described(lines: Iterable[Response], most: int) -> dict[int, Fetched]:
    known = {}
    for line in lines:
        items = imap_wire.fetched(line) or {}
        if "UID" not in items or "RFC822.SIZE" not in items:
            continue  # what others do in the folder is told in between
        uid = imap_wire.number(items["UID"], "UID")
        size = imap_wire.number(items["RFC822.SIZE"], "RFC822.SIZE")
        flags = items.get("FLAGS")
        named = [one.decode("utf-8", "replace") for one in flags or () if isinstance(one, bytes)]
        problem = _too_large(size, most) if size > most else ""
        known[uid] = Fetched(
            uid, size, frozenset(named), b"", problem, _time(items.get("INTERNALDATE"))
        )
    return known


def _time(value: object) -> datetime | None:
    """The time of an INTERNALDATE (RFC 3501, date-time)."""
    text = value.decode("ascii", "replace").strip() if isinstance(value, bytes) else ""
    try:
        return datetime.strptime(text, "%d-%b-%Y %H:%M:%S %z")
    except ValueError:
        return None


def _contents(lines: Iterable[Response], name: str) -> dict[int, bytes]:
    found = {}
    for line in lines:
        items = imap_wire.fetched(line) or {}
        raw = items.get(name)
        if isinstance(raw, bytes) and "UID" in items:
            found[imap_wire.number(items["UID"], "UID")] = raw
    return found


def _too_large(size: int, most: int) -> str:
    return f"{size} bytes are more than the limit of {most}"
