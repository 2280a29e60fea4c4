-- Note a request for no more calls: key $1, channel $2, who asked $3, numbers $4, lead $5, interaction $6, received at $7, by $8, note $9
SELECT ccm.note_opt_out($1, $2, $3, $4, $5, $6, $7, $8, $9, true)
