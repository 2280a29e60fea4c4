-- One interaction, by any of the ids it may have. $1 array of ids.
SELECT interaction.id,
       node.name AS node,
       interaction.channel,
       interaction.direction,
       interaction.state,
       interaction.outcome,
       interaction.linkedid,
       interaction.uniqueid,
       interaction.caller_num,
       interaction.caller_name,
       interaction.did,
       interaction.started_at,
       interaction.ended_at,
       interaction.inferred
FROM ccm.interaction
JOIN ccm.node ON node.id = interaction.node_id
WHERE interaction.id = ANY ($1::uuid[])
ORDER BY node.name
