-- Work as the role $1 from here on, where it exists and we are a member of it
SELECT set_config('role', rolname, false)
FROM pg_catalog.pg_roles
WHERE rolname = $1 AND pg_has_role(current_user, oid, 'MEMBER')
