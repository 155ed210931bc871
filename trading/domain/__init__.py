"""The vocabulary: frozen values and the pure functions on them."""
