"""The training loop, its checkpoints, distillation, and the evaluation of the result."""
