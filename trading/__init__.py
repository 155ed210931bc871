"""The rules of the house: instruments, sessions, opening ranges, trades. Imports no ml_* package."""
