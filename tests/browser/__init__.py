"""The pages and their parts in a real browser."""
