-- So many ids
SELECT ccm.uuid7() AS id FROM generate_series(1, $1::integer)
