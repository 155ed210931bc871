-- Which contents were imported, and for which instrument? One row an import.
SELECT sha256, instrument FROM market.bar_imports
