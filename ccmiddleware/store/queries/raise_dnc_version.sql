-- The next version of the do-not-call list; other changes of it wait for the end of this transaction
UPDATE ccm.dnc_list SET version = version + 1, changed_at = now() RETURNING version
