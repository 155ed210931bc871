"""Tests of the data shelf."""
