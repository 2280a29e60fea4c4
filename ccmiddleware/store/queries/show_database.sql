-- Version, login and role of this session.
SELECT current_setting('server_version') AS version,
       session_user::text AS login,
       current_user::text AS role
