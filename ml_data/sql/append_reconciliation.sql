-- Add one look at a day.
INSERT INTO journal.ml_reconciliations BY NAME
SELECT
    $instrument AS instrument, $model AS model, $version AS version, $trading_day::DATE AS trading_day,
    $replayed AS replayed, $events AS events, $differ AS differ, $unsettled AS unsettled, $r_live AS r_live,
    $r_replay AS r_replay, $causes::VARCHAR[] AS causes, $cause_events::BIGINT[] AS cause_events,
    $cause_r::DOUBLE[] AS cause_r, $looked_at::TIMESTAMPTZ AS looked_at
