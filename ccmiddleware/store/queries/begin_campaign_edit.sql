-- Begin an edit of campaign $1: its new revision; other edits of it wait for the end of this one
UPDATE ccm.campaign SET revision = revision + 1
WHERE name = $1
RETURNING id, name, state, settings, revision
