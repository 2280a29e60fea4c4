-- Write down that the leader of node $1 in term $2, and nobody else, sends the email $4 as message $3 to the agent $6,
-- who has taken the item $5 at $7; $8 now. Nothing when that was done, or he has it no more
INSERT INTO ccm.email_relay (outbox_id, email_id, item_id, agent_id, taken_at, relayed_at)
SELECT $3, $4, w.id, w.agent_id, w.taken_at, $8
FROM ccm.node AS n
JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
JOIN ccm.work_item AS w ON w.node_id = n.id
WHERE n.name = $1 AND w.id = $5 AND w.state = 'working' AND w.agent_id = $6 AND w.taken_at = $7
ON CONFLICT DO NOTHING
