"""Email: intake, parsing, threading, loop guards, bounces, the agent's answers, the outbox."""
