"""The store: Postgres, and the journal in front of it that holds facts while Postgres is away.

Read in this order: ``journal`` (facts on disk), ``batch`` and ``writer`` (facts into Postgres),
``database`` (pool, named queries, errors), ``snapshot`` (what was open when the daemon stopped),
``migrations`` (the schema), ``embedded`` (a Postgres of our own). No other room imports asyncpg.
"""
