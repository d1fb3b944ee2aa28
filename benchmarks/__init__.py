"""What the project publishes as measured: one module a benchmark, run as `python -m benchmarks.FOLDER.NAME`."""
