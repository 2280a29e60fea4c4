-- One interaction, by any of the ids it may have. $1 array of ids.
SELECT interaction.id,
       node.name AS node,
       interaction.channel,
       interaction.direction,
       interaction.state,
       CASE WHEN attempt.dropped AND interaction.outcome = 'abandoned' THEN 'dropped'
           ELSE interaction.outcome END AS outcome,
       interaction.linkedid,
       interaction.uniqueid,
       interaction.caller_num,
       interaction.caller_name,
       coalesce(nullif(interaction.did, ''), attempt.caller_id, '') AS did,
       attempt.campaign,
       attempt.id AS attempt_id,
       interaction.started_at,
       interaction.ended_at,
       interaction.inferred
FROM ccm.interaction
JOIN ccm.node ON node.id = interaction.node_id
LEFT JOIN LATERAL (
    SELECT attempt.id, attempt.caller_id, attempt.dropped, campaign.name AS campaign
    FROM ccm.attempt
    JOIN ccm.campaign ON campaign.id = attempt.campaign_id
    WHERE attempt.id = ccm.attempt_of(interaction.linkedid)
) AS attempt ON true
WHERE interaction.id = ANY ($1::uuid[])
ORDER BY node.name
