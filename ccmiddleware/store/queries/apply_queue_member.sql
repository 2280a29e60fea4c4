-- Memberships of agents in queues; the newest telling holds
INSERT INTO ccm.queue_member AS t (queue_id, agent_id, at, member, penalty, paused, pause_reason)
SELECT DISTINCT ON (q.id, a.id) q.id, a.id, f.at, f.member, f.penalty, f.paused, f.pause_reason
FROM jsonb_to_recordset($1::jsonb) AS f
    (node text, queue text, interface text, at timestamptz, member boolean, penalty integer,
     paused boolean, pause_reason text)
LEFT JOIN ccm.node AS n ON n.name = f.node
LEFT JOIN ccm.queue AS q ON q.node_id = n.id AND q.name = f.queue
LEFT JOIN ccm.agent AS a ON a.node_id = n.id AND a.interface = f.interface
ORDER BY q.id, a.id, f.at DESC, f.member DESC, f.penalty DESC, f.paused DESC, f.pause_reason DESC
ON CONFLICT (queue_id, agent_id) DO UPDATE SET
    at = EXCLUDED.at,
    member = EXCLUDED.member,
    penalty = EXCLUDED.penalty,
    paused = EXCLUDED.paused,
    pause_reason = EXCLUDED.pause_reason
WHERE (EXCLUDED.at, EXCLUDED.member, EXCLUDED.penalty, EXCLUDED.paused, EXCLUDED.pause_reason)
    > (t.at, t.member, t.penalty, t.paused, t.pause_reason)
