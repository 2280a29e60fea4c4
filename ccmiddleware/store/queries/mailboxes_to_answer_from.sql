-- Mailboxes in whose name the work item $1 may be answered, the best first; $2 is the one that the customer's mail came to
SELECT m.id, m.name
FROM ccm.work_item AS w
JOIN ccm.mailbox AS m ON m.queue_id = w.queue_id OR m.id = $2
WHERE w.id = $1
ORDER BY m.queue_id = w.queue_id DESC, m.id = $2 DESC, m.name
