-- Which training snapshots were exported, and when: a snapshot is named by the hash of its content.

CREATE TABLE market.snapshots (
    instrument VARCHAR NOT NULL,
    recipe VARCHAR NOT NULL,
    data_hash VARCHAR NOT NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL, -- nothing after its end is in the snapshot
    events BIGINT NOT NULL,
    made_at TIMESTAMPTZ NOT NULL -- its bars were read then, or later
);
