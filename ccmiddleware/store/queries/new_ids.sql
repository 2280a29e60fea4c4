-- New ids, UUIDv7: as many as $1
SELECT ccm.uuid7() AS id FROM generate_series(1, $1::integer)
