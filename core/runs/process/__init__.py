"""A run at work: its session, in a process of its own, and what the server sees of that process."""
