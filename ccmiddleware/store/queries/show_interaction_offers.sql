-- The ringings of agents for one interaction. $1 id.
SELECT offer.ordinal, offer.visit, coalesce(nullif(agent.name, ''), agent.interface) AS agent,
       agent.interface, offer.offered_at, offer.ended_at, offer.outcome
FROM ccm.offer
JOIN ccm.agent ON agent.id = offer.agent_id
WHERE offer.interaction_id = $1
ORDER BY offer.ordinal
