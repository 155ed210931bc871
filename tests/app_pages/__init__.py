"""What the pages compute and draw, without a browser."""
