-- Promise lead $1 of campaign $2 a call of its number $3 at $4, late from $5; agent $6 or null, note $7, by $8 at $9
WITH made AS (
    INSERT INTO ccm.lead_callback (lead_id, campaign_id, number_ordinal, promised_at, late_from, agent_id, due_at, lead_state,
        note, made_at, made_by, first_promised, changed_at, changed_by)
    SELECT l.id, $2, $3, $4, $5, $6, $4, l.state, $7, $9, $8, $4, $9, $8 FROM ccm.lead AS l WHERE l.id = $1
    RETURNING id, lead_id
), kept AS (
    UPDATE ccm.lead AS l SET state = 'promised' FROM made WHERE l.id = made.lead_id AND l.state <> 'claimed'
)
SELECT id FROM made
