-- What was learned of campaign $1 in term $2, as of $3: $4 by the controller, $5 of the leads
INSERT INTO ccm.campaign_pacing AS p (campaign_id, term, at, pacing, answering)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (campaign_id) DO UPDATE
SET term = excluded.term, at = excluded.at, pacing = excluded.pacing, answering = excluded.answering
WHERE excluded.term >= p.term
