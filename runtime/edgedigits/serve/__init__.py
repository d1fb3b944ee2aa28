"""The HTTP service: an interface for programs, a page to draw on, and the board's camera.

This package needs the extra ``serve``; the rest of the runtime does not.
"""
