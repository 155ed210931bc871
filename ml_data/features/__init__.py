"""One file a feature group; every group is discovered by ml_data.features.registry."""
