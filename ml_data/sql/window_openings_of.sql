-- When were days from $first_day to $last_day of a family's last window looked at, oldest first?
SELECT * FROM journal.ml_window_openings
WHERE family = $family AND first_day <= $last_day AND last_day >= $first_day
ORDER BY opened_at, trial_id
