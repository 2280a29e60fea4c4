-- Contact $1 is $2 from now on, which gets its addresses
WITH moved AS (
    UPDATE ccm.contact_address SET contact_id = $2 WHERE contact_id = $1
)
UPDATE ccm.contact SET merged_into = $2 WHERE id = $1
