"""Verify that a model file gives the outputs on this device that it, and Keras, gave where it was exported."""
