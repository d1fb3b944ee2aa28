"""The page about a training run, and its plots."""
