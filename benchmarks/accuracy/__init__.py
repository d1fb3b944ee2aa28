"""How often answers are right, and what makes them wrong."""
