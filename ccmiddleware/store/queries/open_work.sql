-- The email $1 opens a work item, or belongs to the open one of its conversation; that item's id
SELECT ccm.open_work($1)
