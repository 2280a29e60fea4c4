"""Health and metrics over HTTP, for those who watch the daemon. Nothing can be changed here."""
