-- The number of conversation $1
SELECT number FROM ccm.conversation WHERE id = $1
