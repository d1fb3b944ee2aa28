"""Measure latency on the device that will run the model, compare measurements, and recommend what to ship."""
