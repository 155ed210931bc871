"""Tests of the training worker."""
