-- Set the mail of the agent $1: $2 address or null, $3 capacity, $4 whether calls interrupt
UPDATE ccm.agent SET email = $2, email_capacity = $3, calls_interrupt = $4 WHERE id = $1
