-- Which contents were imported? One row an import.
SELECT sha256 FROM market.bar_imports
