"""The lab: a real Asterisk with SIPp as its phones and its trunk, all on loopback.

Tests and the demo share it. ``root`` builds the servers once, ``plan`` says what a PBX should look
like, ``asterisk`` runs one, ``phones`` rings it, ``audio`` measures what was heard. It knows
nothing of ccmiddleware: what it reports is Asterisk's own word, to compare ours with.
"""
