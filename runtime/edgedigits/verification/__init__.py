"""Verify that a model file gives the same outputs in this engine and on this machine as Keras gave at its export."""
