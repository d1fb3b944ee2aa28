"""One self-contained page about a training run and the bundle made of it."""
