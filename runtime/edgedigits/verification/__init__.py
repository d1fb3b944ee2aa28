"""Proof that a file answers the same here as it did where it was made."""
