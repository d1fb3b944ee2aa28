"""Examine a machine: which engines work on it, what blocks the others, and what would help."""
