"""The store: the bundles that a board keeps, which of them is active, and what a new one has to pass."""
