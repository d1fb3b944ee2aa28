"""Scenes: drawn pictures of digits, print, lines and other marks, with the place of every digit."""
