-- What detection of machines decided, how soon, and whether it was right: a sample of those that it takes for machines goes
-- to agents, whose codes say what it was.

ALTER TABLE ccm.attempt
    ADD COLUMN detected     text,
    ADD COLUMN detection_ms integer,
    ADD COLUMN sampled      boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT attempt_detected_known CHECK (detected IN ('human', 'machine')),
    ADD CONSTRAINT attempt_sampled_was_detected CHECK (NOT sampled OR detected = 'machine');
COMMENT ON COLUMN ccm.attempt.detected IS 'What detection took the party for: human, machine; null where nothing was detected';
COMMENT ON COLUMN ccm.attempt.detection_ms IS 'Milliseconds from the answer until detection decided';
COMMENT ON COLUMN ccm.attempt.sampled IS 'Whether it went to an agent though it was taken for a machine';
CREATE INDEX attempt_sampled ON ccm.attempt (campaign_id, claimed_at) WHERE sampled;
