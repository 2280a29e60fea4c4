"""A campaign simulated event by event, to compare ways of pacing on the same seeded workloads."""
