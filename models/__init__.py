"""The reference networks: what makes them, and the records of their runs."""
