-- Whether any recipient of message $1 has it
SELECT EXISTS (SELECT FROM ccm.outbox_recipient WHERE outbox_id = $1 AND state = 'sent')
