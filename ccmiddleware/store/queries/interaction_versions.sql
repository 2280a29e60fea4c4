-- The stored versions of the interactions $1
SELECT id, version FROM ccm.interaction WHERE id = ANY ($1::uuid[])
