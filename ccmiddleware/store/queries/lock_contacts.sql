-- Edits of contacts wait for each other until the end of the transaction
SELECT pg_advisory_xact_lock(hashtext('ccm.contact'))
