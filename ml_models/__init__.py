"""The model shelf: versions, registry, scores."""
