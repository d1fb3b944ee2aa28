"""What `edgedigits serve` costs and withstands: throughput, memory, hostile requests."""
