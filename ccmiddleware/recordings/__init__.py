"""Recording: which talks are recorded, starting and stopping it, and finishing the files."""
