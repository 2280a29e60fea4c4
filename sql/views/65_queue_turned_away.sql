-- report.queue_turned_away: callers who called a queue and did not join it.
--
-- app_queue knows nothing of them, so they are in no other report, unless they joined another queue. Told by the
-- dialplan library asterisk/dialplan/ccm-queues.conf, by event and by queue_log; each is here once.
CREATE OR REPLACE VIEW report.queue_turned_away AS
SELECT
    n.name AS node,
    q.name AS queue,
    t.at,
    t.why,
    t.caller,
    t.did,
    t.destination,
    t.call
FROM ccm.queue_turned_away t
JOIN ccm.queue q ON q.id = t.queue_id
JOIN ccm.node n ON n.id = q.node_id;

COMMENT ON VIEW report.queue_turned_away IS
    'One row for each time that a caller was not let into a queue. Filter by at, which has an index.';
COMMENT ON COLUMN report.queue_turned_away.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.queue_turned_away.queue IS 'Queue that was not joined';
COMMENT ON COLUMN report.queue_turned_away.at IS 'When';
COMMENT ON COLUMN report.queue_turned_away.why IS
    'closed; waiting: as many waited as may; estimated_wait: the wait would have been longer than may be';
COMMENT ON COLUMN report.queue_turned_away.caller IS 'Digits of the caller''s number; empty when withheld';
COMMENT ON COLUMN report.queue_turned_away.did IS 'Digits of the number that was dialled';
COMMENT ON COLUMN report.queue_turned_away.destination IS
    'Where the caller was sent: queue:NAME, extension:NUMBER, hangup, or continue (the dialplan behind the Gosub)';
COMMENT ON COLUMN report.queue_turned_away.call IS 'Unique id of the caller''s channel';
