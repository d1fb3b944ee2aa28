"""Scripts that run alone, in environments that hold the built wheel or inside `edgedigits bench`."""
