-- A snapshot was exported.
INSERT INTO market.snapshots BY NAME
SELECT
    $instrument AS instrument, $recipe AS recipe, $data_hash AS data_hash, $first_day::DATE AS first_day,
    $last_day::DATE AS last_day, $events AS events, $made_at AS made_at
