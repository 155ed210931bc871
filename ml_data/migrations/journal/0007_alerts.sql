-- What was told to a trader who was not looking, and how each message to a channel went. Rows are only ever added.

CREATE TABLE journal.ml_alerts (
    alert_id VARCHAR NOT NULL, -- hash of kind, instrument and what tells the fact from others: the same in every process
    kind VARCHAR NOT NULL,
    instrument VARCHAR NOT NULL,
    subject VARCHAR NOT NULL, -- a range, a model
    sentence VARCHAR NOT NULL,
    severity VARCHAR NOT NULL, -- note, look or bad
    happened_at TIMESTAMPTZ NOT NULL,
    raised_at TIMESTAMPTZ NOT NULL,
    withheld VARCHAR -- why it is shown in the hub and never sent: cool-down, quiet hours
);

CREATE TABLE journal.ml_alert_deliveries (
    alert_id VARCHAR NOT NULL, -- 'test' for a test message
    channel VARCHAR NOT NULL, -- its name; addresses are secrets and never written down
    attempt INTEGER NOT NULL,
    state VARCHAR NOT NULL, -- sending, sent or failed; sending without another row: not known whether it arrived
    error VARCHAR,
    logged_at TIMESTAMPTZ NOT NULL
);
