-- The contacts $1, which have no addresses any more, are deleted
UPDATE ccm.contact SET deleted_at = now() WHERE id = ANY ($1::uuid[]) AND deleted_at IS NULL
