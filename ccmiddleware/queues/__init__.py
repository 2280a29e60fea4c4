"""Queues: opening hours, overflow, priorities, callbacks; routing stays Asterisk's."""
