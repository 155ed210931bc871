-- Which live forecasts of $model in auto, decided after $after and by $at, advise a trade and have no order yet?
SELECT p.prediction_id, p.instrument, p.kind, p.model, p.version, p.trading_day, p.orb, p.rule, p.advice,
    p.advised_size, p.confidence, p.decided_at, r.high, r.low, r.size, r.close, r.break_direction, r.break_close
FROM journal.ml_predictions AS p
JOIN market.opening_ranges AS r USING (instrument, trading_day, orb)
LEFT JOIN journal.ml_paper_orders AS o USING (prediction_id)
WHERE p.instrument = $instrument AND p.model = $model AND p.stage = 'auto' AND NOT coalesce(p.replayed, FALSE)
  AND p.refusal_code IS NULL AND p.advice IN ('UP', 'DOWN', 'TAKE') AND o.prediction_id IS NULL
  AND p.role NOT LIKE 'challenger-%' AND p.decided_at > $after AND p.decided_at <= $at AND r.size > 0
ORDER BY p.decided_at, p.orb
