"""Queues: opening hours, overflow, priorities; kept in Postgres, decided by Asterisk itself."""
