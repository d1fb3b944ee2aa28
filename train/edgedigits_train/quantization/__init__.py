"""Quantization-aware training: a network is trained while it computes on the grid of its int8 file."""
