"""One verb a file, gathered as the hub command."""
