"""What goes wrong in the lab."""


class LabError(Exception):
    """The lab can't do what was asked; the text says in one sentence what and what to do."""
