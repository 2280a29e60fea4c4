"""Agents: what each one is doing, from the queues they are members of and the calls they take."""
