-- Orders on paper of versions in auto, and what came of them. Rows are only ever added; a corrected outcome is a new revision.

CREATE TABLE journal.ml_paper_orders (
    prediction_id VARCHAR NOT NULL, -- the forecast that it follows: at most one order each
    instrument VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    trading_day DATE NOT NULL,
    orb VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    side VARCHAR NOT NULL, -- UP or DOWN: the break that it trades
    lots INTEGER NOT NULL,
    share DOUBLE NOT NULL, -- of the rules' risk
    budget DOUBLE NOT NULL,
    reason VARCHAR NOT NULL,
    placed_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE journal.ml_paper_fills (
    prediction_id VARCHAR NOT NULL,
    revision INTEGER NOT NULL, -- of the outcome that it was made from
    state VARCHAR NOT NULL, -- filled, not_filled (no break to its side) or void
    entered_at TIMESTAMPTZ,
    entry DOUBLE,
    stop DOUBLE,
    target DOUBLE,
    exited_at TIMESTAMPTZ,
    exit_price DOUBLE,
    ambiguous BOOLEAN, -- stop and target in one bar: booked as a loss
    r_net DOUBLE, -- after costs, as settled
    money DOUBLE, -- of all lots, in the instrument's currency
    settled_at TIMESTAMPTZ NOT NULL
);
