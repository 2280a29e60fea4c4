-- Begin an edit of queue $1: its new revision; other edits of it wait for the end of this one
INSERT INTO ccm.queue_setting AS s (queue_id, revision)
VALUES ($1, 1)
ON CONFLICT (queue_id) DO UPDATE SET revision = s.revision + 1
RETURNING s.revision
