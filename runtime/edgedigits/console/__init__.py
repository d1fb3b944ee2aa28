"""What commands print: tables, lines of progress, JSON results, and the files and engines that they were asked for."""
