"""What `edgedigits serve` costs: throughput and memory."""
