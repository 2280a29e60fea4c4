-- Ids for $1 new leads, in order
SELECT nextval('ccm.lead_id_seq') AS id FROM generate_series(1, $1)
