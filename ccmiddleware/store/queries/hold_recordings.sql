-- Put the recordings of interaction $1 on hold: $2 by whom, $3 why; no row when they are already
SELECT * FROM ccm.hold_recordings($1, $2, $3)
