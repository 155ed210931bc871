-- Which orders of $instrument have an outcome, or a newer one, that no fill was made from? With the trade as it is built.
SELECT o.prediction_id, o.side, o.lots, u.revision, u.state, u.actual, u.r_net, t.direction, t.entered_at, t.entry,
    t.stop, t.target, t.exited_at, t.exit_price, t.ambiguous
FROM journal.ml_paper_orders AS o
JOIN (
    SELECT * FROM journal.ml_outcomes
    QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY revision DESC) = 1
) AS u USING (prediction_id)
LEFT JOIN market.orb_trades AS t
    ON t.instrument = o.instrument AND t.trading_day = o.trading_day AND t.orb = o.orb AND t.rule = o.rule
LEFT JOIN journal.ml_paper_fills AS f ON f.prediction_id = o.prediction_id AND f.revision = u.revision
WHERE o.instrument = $instrument AND f.prediction_id IS NULL
  AND (
      u.state <> 'matured' -- the built trade must be the settled one: history may be older than the outcome
      OR (CASE WHEN isnan(t.r_net) THEN NULL ELSE t.r_net END) IS NOT DISTINCT FROM u.r_net
      AND (t.rule IS NOT NULL OR u.actual = 'NONE')
  )
ORDER BY o.placed_at, o.prediction_id
