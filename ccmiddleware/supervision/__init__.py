"""Supervision: supervisors who listen to the talks of agents, whisper to them or join them."""
