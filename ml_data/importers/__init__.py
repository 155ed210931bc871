"""One file a format; each turns a file into bars in the common schema."""
