-- Set everything that is set of campaign $1
UPDATE ccm.campaign SET settings = $2 WHERE id = $1
