"""The vocabulary of errors: what can be tried again, what can't, and what the operator must mend.

Adapters translate the errors of their library into these at the border; anything else that
escapes is a bug and ends the daemon.
"""


class CcmError(Exception):
    """Base of all errors that have a meaning for an operator; the text is one clear sentence."""


class TemporaryError(CcmError):
    """The outside did not do what was asked, and may do it later (link down, database away)."""


class PermanentError(CcmError):
    """The outside refused for a reason that trying again does not change."""


class ConfigError(CcmError):
    """The configuration can't be used. ``problems`` lists every mistake, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
