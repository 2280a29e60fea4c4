-- Recordings that were set aside as late are looked for again and again: they may be of talks that
-- nobody else saw, and that become known later, from queue_log.
CREATE INDEX late_fact_recording ON ccm.late_fact ((fact ->> 'node')) WHERE fact ->> 't' = 'recording';
COMMENT ON INDEX ccm.late_fact_recording IS 'Late facts about recordings, by node';
