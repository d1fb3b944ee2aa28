"""Writes the tables and pictures of README and docs from committed results."""
