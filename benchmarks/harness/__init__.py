"""What every benchmark shares: options, child processes, environments, results, tables and pictures."""
