-- report.opt_out: one row for each request not to be called any more, and whether it was honoured in time.
CREATE OR REPLACE VIEW report.opt_out AS
SELECT
    o.id,
    o.channel,
    o.asked,
    o.numbers,
    o.received_at,
    o.honoured_at,
    o.deadline_on,
    (o.deadline_on + 1)::timestamp AT TIME ZONE 'UTC' AS deadline_at,
    o.honour_days,
    report.seconds(o.received_at, greatest(coalesce(o.honoured_at, report.now()), o.received_at)) AS taken_seconds,
    CASE
        WHEN o.honoured_at IS NOT NULL OR report.now() >= (o.deadline_on + 1)::timestamp AT TIME ZONE 'UTC'
            THEN coalesce(o.honoured_at, report.now()) < (o.deadline_on + 1)::timestamp AT TIME ZONE 'UTC'
    END AS in_time,
    c.name AS campaign,
    o.lead_id,
    o.interaction_id,
    o.dnc_version,
    o.noted_at,
    o.noted_by,
    o.note
FROM ccm.opt_out AS o
LEFT JOIN ccm.lead AS l ON l.id = o.lead_id
LEFT JOIN ccm.campaign AS c ON c.id = l.campaign_id;
COMMENT ON VIEW report.opt_out IS
    'Requests not to be called any more, from all channels, with their deadline. Filter by received_at';
COMMENT ON COLUMN report.opt_out.id IS 'Number of the request';
COMMENT ON COLUMN report.opt_out.channel IS
    'keypad (a key in a call of a campaign), agent (a disposition), call (a caller asked for it by key), email (an agent''s #optout), list (ccm dnc add and import)';
COMMENT ON COLUMN report.opt_out.asked IS 'Number, or e-mail address, of whoever asked';
COMMENT ON COLUMN report.opt_out.numbers IS 'All numbers that are not to be called for it; empty while nobody knows them';
COMMENT ON COLUMN report.opt_out.received_at IS 'When it was asked';
COMMENT ON COLUMN report.opt_out.honoured_at IS 'When all these numbers were on the do-not-call list; null until then';
COMMENT ON COLUMN report.opt_out.deadline_on IS 'Last day (UTC) on which it must be honoured, by the strictest profile that concerns it';
COMMENT ON COLUMN report.opt_out.deadline_at IS 'End of that day';
COMMENT ON COLUMN report.opt_out.honour_days IS 'Business days that the profile allows; holidays are counted, so the deadline is never later than the law''s';
COMMENT ON COLUMN report.opt_out.taken_seconds IS 'From received_at until it was honoured, or until now, in seconds';
COMMENT ON COLUMN report.opt_out.in_time IS 'Whether it was honoured by the deadline; null while there is time left';
COMMENT ON COLUMN report.opt_out.campaign IS 'The campaign whose lead was called; null for other ways';
COMMENT ON COLUMN report.opt_out.lead_id IS 'Number of that lead';
COMMENT ON COLUMN report.opt_out.interaction_id IS 'The interaction in which it was asked; null where none is known';
COMMENT ON COLUMN report.opt_out.dnc_version IS 'Version of the do-not-call list that has the numbers';
COMMENT ON COLUMN report.opt_out.noted_at IS 'When it was written down';
COMMENT ON COLUMN report.opt_out.noted_by IS 'By whom; ccm is the daemon';
COMMENT ON COLUMN report.opt_out.note IS 'What there is to know';
