"""What a machine tells of itself: processor, system, Python, health. What it does not tell is None, never an error."""
