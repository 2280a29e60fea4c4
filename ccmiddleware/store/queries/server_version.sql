-- Version of the server, without what a distributor adds
SELECT split_part(current_setting('server_version'), ' ', 1)
