-- What did the champions say of an instrument since $since, live or, with $replayed, in a replay?
SELECT
    prediction_id, kind, trading_day, orb, model, version, stage, decided_at, logged_at, label, rule, prob_up,
    baseline_prob_up, prob_win, baselines, outputs, quantiles, interval_low, interval_high, advice, refusal_code
FROM journal.ml_predictions
WHERE instrument = $instrument AND greatest(decided_at, logged_at) >= $since
  AND coalesce(replayed, FALSE) = $replayed AND coalesce(role, 'champion') = 'champion'
ORDER BY decided_at, model, version
