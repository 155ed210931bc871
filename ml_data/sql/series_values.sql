-- All values of a series, with the day they are of and from when on they are known.
SELECT day, known_at, value FROM market.series_1d WHERE series = $series ORDER BY known_at, day
