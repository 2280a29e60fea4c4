"""Outbound campaigns: whom to dial, when it is lawful, and how many at once."""
