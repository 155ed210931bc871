-- What was ordered on paper for $model by $known_by, and what had come of it by then? Oldest first.
SELECT o.*, coalesce(f.state, 'open') AS state, f.entered_at, f.entry, f.stop, f.target, f.exited_at, f.exit_price,
    f.ambiguous, f.r_net, f.money, f.settled_at
FROM journal.ml_paper_orders AS o
LEFT JOIN (
    SELECT * FROM journal.ml_paper_fills
    WHERE settled_at <= $known_by
    QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY revision DESC) = 1
) AS f USING (prediction_id)
WHERE o.instrument = $instrument AND o.model = $model AND o.placed_at <= $known_by
ORDER BY o.placed_at, o.prediction_id
