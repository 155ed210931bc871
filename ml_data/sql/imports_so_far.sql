-- How many imports were there, and how many of them of a file with this content?
SELECT count(*), count(*) FILTER (sha256 = $sha256) FROM market.bar_imports
