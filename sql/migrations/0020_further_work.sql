-- Emails for agents who work on one and may have another at the same time. app_queue takes them for busy, so it
-- can't offer them any; the daemon has their phones rung, with no queue in between.

ALTER TABLE ccm.work_placement ADD COLUMN agent_id uuid REFERENCES ccm.agent;
COMMENT ON COLUMN ccm.work_placement.agent_id IS 'The agent whose phone is rung for it; null: it stands in the queue';

CREATE FUNCTION ccm.work_step_begins_offer() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO ccm.offer (interaction_id, ordinal, version, visit, agent_id, offered_at)
    SELECT p.item_id,
        (SELECT coalesce(max(o.ordinal), 0) + 1 FROM ccm.offer AS o WHERE o.interaction_id = p.item_id),
        ccm.work_version(),
        coalesce((SELECT max(v.ordinal) FROM ccm.queue_visit AS v WHERE v.interaction_id = p.item_id), 0),
        p.agent_id, least(p.placed_at, NEW.at)
    FROM ccm.work_placement AS p
    WHERE p.attempt = NEW.attempt AND p.agent_id IS NOT NULL;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.work_step_begins_offer() IS 'Trigger: an agent whose phone was rung by us answered it';
CREATE TRIGGER work_step_begins_offer
    AFTER INSERT ON ccm.work_step
    FOR EACH ROW WHEN (NEW.step = 'answered')
    EXECUTE FUNCTION ccm.work_step_begins_offer();

CREATE FUNCTION ccm.work_placement_unanswered() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO ccm.offer (interaction_id, ordinal, version, visit, agent_id, offered_at, ended_at, outcome)
    SELECT NEW.item_id,
        (SELECT coalesce(max(o.ordinal), 0) + 1 FROM ccm.offer AS o WHERE o.interaction_id = NEW.item_id),
        ccm.work_version(),
        coalesce((SELECT max(v.ordinal) FROM ccm.queue_visit AS v WHERE v.interaction_id = NEW.item_id), 0),
        NEW.agent_id, NEW.placed_at, NEW.ended_at, 'ring_no_answer'
    WHERE NOT EXISTS (SELECT FROM ccm.work_step AS s WHERE s.attempt = NEW.attempt);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.work_placement_unanswered() IS 'Trigger: an agent whose phone was rung by us did not answer it';
CREATE TRIGGER work_placement_unanswered
    AFTER UPDATE OF outcome ON ccm.work_placement
    FOR EACH ROW WHEN (NEW.agent_id IS NOT NULL AND NEW.outcome = 'gone')
    EXECUTE FUNCTION ccm.work_placement_unanswered();
