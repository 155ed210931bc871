"""The training worker: dataset, splits, estimators, evaluation, publication."""
