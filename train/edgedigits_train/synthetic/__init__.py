"""Synthetic images that extend the training set: paper, print, strokes, and images that are not digits."""
