-- Begin an import into campaign $1 of file $2 by $3, with options $4
INSERT INTO ccm.lead_import (campaign_id, file, imported_by, options, dnc_version)
SELECT $1, $2, $3, $4, version FROM ccm.dnc_list
RETURNING id
