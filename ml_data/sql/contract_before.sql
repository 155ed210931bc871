-- In which contract was the last trading day before this one?
SELECT contract FROM market.contract_days
WHERE instrument = $instrument AND trading_day < $trading_day
ORDER BY trading_day DESC
LIMIT 1
