"""What a model file needs, derived from its content, and which engine releases and boards have it."""
