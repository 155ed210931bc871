-- How many days of each series have a value, from when to when, how many were changed later, and what is newest?
SELECT
    series,
    count(DISTINCT day) AS days,
    min(day) AS first_day,
    max(day) AS last_day,
    count(*) - count(DISTINCT day) AS changed,
    arg_max(value, (day, known_at)) AS newest,
    max(known_at) AS known_at
FROM market.series_1d
WHERE known_at <= $until
GROUP BY series
ORDER BY series
