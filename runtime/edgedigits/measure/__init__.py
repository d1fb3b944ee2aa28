"""Latency, measured on the device that will answer."""
