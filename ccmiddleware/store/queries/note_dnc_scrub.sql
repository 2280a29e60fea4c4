-- Leads of campaign $1 (null: all) were compared with list $2, edition $3, of $4; says $5, note $6
INSERT INTO ccm.dnc_scrub (campaign_id, source, version, scrubbed_at, noted_by, note, dnc_version)
SELECT $1, $2, $3, $4, $5, $6, version FROM ccm.dnc_list
