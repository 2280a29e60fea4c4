"""How the daemon is, as data: made by the daemon, shown by ``web.server`` and ``ccm doctor``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["ok", "degraded", "failed"]
Figure = str | int | float | bool | None

_ORDER: tuple[Status, ...] = ("ok", "degraded", "failed")


@dataclass(frozen=True)
class Part:
    """One part of the daemon: a node's link, the database, the journal, the recorder.

    ``degraded`` is a part that does not work now, while nothing is lost by it and it mends itself
    (a link or a database that is away); ``failed`` is one that needs an operator or loses data.
    """

    name: str
    status: Status
    detail: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """The whole daemon at one moment."""

    version: str
    parts: tuple[Part, ...] = ()

    @property
    def status(self) -> Status:
        """The worst of the parts."""
        return max((part.status for part in self.parts), key=_ORDER.index, default="ok")

    def as_json(self) -> dict[str, object]:
        """As ``/healthz`` shows it: status, version, and the parts by name."""
        return {
            "status": self.status,
            "version": self.version,
            "parts": {
                part.name: {"status": part.status, "detail": part.detail, **part.figures}
                for part in self.parts
            },
        }
