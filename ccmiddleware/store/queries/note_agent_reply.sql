-- What came of the reply $1 about item $2: $3 agent, $4 who wrote it, $5 Message-ID, $6 now, $7 what, $8 in words, $9 the answer
INSERT INTO ccm.agent_reply (id, item_id, agent_id, by, message_id, at, what, said, email_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
