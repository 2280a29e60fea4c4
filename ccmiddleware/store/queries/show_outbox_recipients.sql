-- To whom message $1 is to be sent, and what came of it
SELECT address, state, code, reason, delivery FROM ccm.outbox_recipient WHERE outbox_id = $1 ORDER BY address
