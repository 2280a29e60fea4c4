-- When Asterisk on node $1 was first started anew after $2, a sequence, and until when it was known to live before; none if it was not
SELECT start.at AS started_at, least(
    start.at,
    greatest(
        (SELECT r.at FROM ccm.queue_log_row AS r
         WHERE r.node_id = start.node_id AND r.sequence < start.sequence
         ORDER BY r.sequence DESC LIMIT 1),
        (SELECT max(k.seen_until) FROM ccm.link_interval AS k
         WHERE k.node_id = start.node_id AND k.started_at < start.at))) AS lived_until
FROM (
    SELECT r.node_id, r.at, r.sequence
    FROM ccm.queue_log_row AS r
    JOIN ccm.node AS n ON n.id = r.node_id
    WHERE n.name = $1::text AND r.event = 'QUEUESTART' AND r.sequence > $2::bigint
    ORDER BY r.at, r.sequence
    LIMIT 1) AS start
