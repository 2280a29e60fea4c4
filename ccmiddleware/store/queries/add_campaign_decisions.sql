-- Decisions of term $1: objects $2 with campaign, at, number, claimed, reason and detail
INSERT INTO ccm.campaign_decision (campaign_id, at, term, number, claimed, reason, detail)
SELECT (d ->> 'campaign')::uuid, (d ->> 'at')::timestamptz, $1, (d ->> 'number')::integer, (d ->> 'claimed')::integer,
       d ->> 'reason', d -> 'detail'
FROM jsonb_array_elements($2::jsonb) AS d
ON CONFLICT DO NOTHING
