"""Scripts that run alone, each in the environment of one peer."""
