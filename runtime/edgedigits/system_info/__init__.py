"""Read facts about a machine: board, processor, operating system, Python, health. An unknown fact is None, no error."""
