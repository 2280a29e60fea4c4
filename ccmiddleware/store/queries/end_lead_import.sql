-- What came of import $1: rows $2, leads $3, numbers $4, refused by reason $5
UPDATE ccm.lead_import SET rows = $2, leads = $3, numbers = $4, rejected = $5 WHERE id = $1
