"""What scoring an archive costs, beside the same written by hand."""
