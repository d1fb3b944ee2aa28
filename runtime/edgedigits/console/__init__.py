"""What commands share: their options, tables, lines of progress, JSON results, the files and engines they run."""
