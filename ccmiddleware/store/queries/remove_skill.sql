-- Remove a skill and the levels that agents have in it; refused while a queue requires it: $1 name
DELETE FROM ccm.skill WHERE name = $1
