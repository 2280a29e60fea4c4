-- The contacts with the ids $1
SELECT id, name, note, made_at, made_by, merged_into, deleted_at FROM ccm.contact WHERE id = ANY ($1::uuid[])
