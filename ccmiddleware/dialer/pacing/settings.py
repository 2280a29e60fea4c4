"""What a campaign manager may set for the pacing of a campaign."""

from dataclasses import dataclass

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class PacingSettings:
    """All have defaults that are safe. Times are seconds; shares are between 0 and 1.

    A value that makes no sense (not a number, out of range) is replaced by the default: pacing
    never fails because of a setting. What people type is checked where they type it.
    """

    abandonment_limit: float = 0.03
    """Largest share of live answers that may be abandoned in any ``window``."""
    window: float = 8 * HOUR
    """The limit holds in each stretch of this length (rolling). A shift, a day, 30 days."""
    patience: float = 2.0
    """A live answer without an agent after so long is abandoned."""
    max_lines: int | None = None
    """Calls in flight at most (channels of the trunk)."""
    max_new_calls: int | None = None
    """Calls that one decision may ask for at most (calls per second of the trunk)."""
    max_lines_per_agent: float = 12.0
    """Calls in flight for each agent at most. A tighter bound follows from the answer rate."""
    first_answer_probability: float = 0.25
    """What is believed of a call before anything was seen, and where a call comes without."""
    predictive: bool = True
    """False: never more calls than idle agents (progressive)."""
    forget_call_after: float = 150.0
    """A call of which nothing was heard for so long is taken for ended."""
    forget_waiting_after: float = 20.0
    """An answered call that met nobody for so long is taken for abandoned."""
    forget_agent_after: float = 4 * HOUR
    """An agent who talks or wraps up for so long is not expected back."""

    def sane(self) -> "PacingSettings":
        """The same, with defaults in place of what makes no sense."""
        default = PacingSettings()

        def between(name: str, low: float, high: float) -> float:
            value = getattr(self, name)
            good = isinstance(value, int | float) and low <= value <= high
            return float(value if good else getattr(default, name))

        def count(value: object) -> int | None:
            return value if isinstance(value, int) and value >= 0 else None

        return PacingSettings(
            abandonment_limit=between("abandonment_limit", 0.0, 0.5),
            window=between("window", 60.0, 400 * 24 * HOUR),
            patience=between("patience", 0.0, 60.0),
            max_lines=count(self.max_lines),
            max_new_calls=count(self.max_new_calls),
            max_lines_per_agent=between("max_lines_per_agent", 1.0, 100.0),
            first_answer_probability=between("first_answer_probability", 0.001, 0.99),
            predictive=bool(self.predictive),
            forget_call_after=between("forget_call_after", 20.0, 3600.0),
            forget_waiting_after=between("forget_waiting_after", 3.0, 3600.0),
            forget_agent_after=between("forget_agent_after", 600.0, 24 * HOUR),
        )
