"""ccmiddleware: a contact center on the Asterisk that is already there."""

__version__ = "0.1.0"
