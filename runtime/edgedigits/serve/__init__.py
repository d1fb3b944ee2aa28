"""Digits for people and programs on the network: a small HTTP service, a page to draw on, and the board's camera.

Everything in here needs the extra ``serve``; nothing outside of it does.
"""
