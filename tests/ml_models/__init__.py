"""Tests of the model shelf."""
