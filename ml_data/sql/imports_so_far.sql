-- How many imports were there?
SELECT count(*) FROM market.bar_imports
