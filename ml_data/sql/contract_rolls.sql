-- On which trading days up to $last_day did an instrument move to another contract, and why? Newest first.
SELECT trading_day, before, contract, volume_share, reason
FROM (
    SELECT *, lag(contract) OVER (ORDER BY trading_day) AS before
    FROM market.contract_days
    WHERE instrument = $instrument AND trading_day <= $last_day
)
WHERE rolled
ORDER BY trading_day DESC
