-- Have the code $1 given no more
UPDATE ccm.disposition_code SET active = false, changed_at = now() WHERE code = $1 AND active
