"""Asterisk's own log of its queues, read as a second witness of every call."""
