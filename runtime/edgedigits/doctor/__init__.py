"""Find out which engines work on a machine, what blocks the others, and what to install."""
