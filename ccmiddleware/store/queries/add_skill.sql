-- Add a skill, or change its description: $1 name, $2 description
INSERT INTO ccm.skill (name, description) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET description = EXCLUDED.description
