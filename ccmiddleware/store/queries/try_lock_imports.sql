-- Whether this transaction may import leads; one import goes on at a time
SELECT pg_try_advisory_xact_lock(hashtext('ccm.lead_import'))
