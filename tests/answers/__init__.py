"""Answers from outside: numbers that nobody here computed."""
