-- Taking in an email, and listing emails, cost the same however many wait.

CREATE OR REPLACE FUNCTION ccm.begin_work_visit(of_item uuid, in_queue uuid, joined timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    next  smallint;
    stays boolean;
BEGIN
    -- Both by the key: asked for the stay that is not over alone, a plan that was made when few items waited reads all that wait.
    SELECT coalesce(max(ordinal), 0) + 1, coalesce(bool_or(left_at IS NULL), false) INTO next, stays
    FROM ccm.queue_visit WHERE interaction_id = of_item;
    IF stays THEN
        RETURN;
    END IF;
    INSERT INTO ccm.queue_visit (interaction_id, ordinal, version, queue_id, position, joined_at, inferred)
    VALUES (of_item, next, ccm.work_version(), in_queue, 0, joined, false);
    UPDATE ccm.interaction SET state = 'waiting' WHERE id = of_item AND state <> 'waiting';
    PERFORM ccm.work_event(of_item, 'joined:' || next, 'joined', joined,
        (SELECT jsonb_build_object('queue', q.name) FROM ccm.queue AS q WHERE q.id = in_queue));
END
$$;

CREATE INDEX email_at ON ccm.email (at);
