"""Contacts: the customers behind e-mail addresses and telephone numbers, across all channels.

What belongs to whom is said by people and never guessed. ``numbers``, ``addresses``, ``files`` and
``changes`` decide and are pure; ``book`` writes in one transaction; ``phones`` has Asterisk show on
agents' phones that a caller has open emails. What customers did is read from ``report.journey``.
"""
