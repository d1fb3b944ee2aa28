"""edgedigits beside other ways to run the same model: accuracy, size, latency and memory of each."""
