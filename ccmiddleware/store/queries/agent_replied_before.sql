-- Whether a mail with Message-ID $2 about item $1 was carried out
SELECT EXISTS (
    SELECT FROM ccm.agent_reply AS r
    WHERE r.item_id = $1 AND r.message_id = $2 AND r.message_id <> '' AND r.what NOT IN ('refused', 'repeated'))
