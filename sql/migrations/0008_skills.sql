-- Skills: what agents can do and how well, and what queues require of their members.
--
-- Asterisk knows none of this. The daemon that leads a node turns it into penalties of the members
-- (ccmiddleware/agents/skills.py). A queue without a row in ccm.queue_skill is left alone.

CREATE TABLE ccm.skill (
    name        text PRIMARY KEY,
    description text NOT NULL DEFAULT '',
    added_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT skill_name_plain CHECK (name ~ '^[[:alnum:]_.:-]{1,64}$')
);
COMMENT ON TABLE ccm.skill IS 'Things that agents can do: languages, products, …';
COMMENT ON COLUMN ccm.skill.name IS 'Name of the skill';
COMMENT ON COLUMN ccm.skill.description IS 'What it means';
COMMENT ON COLUMN ccm.skill.added_at IS 'When it was added';

CREATE TABLE ccm.agent_skill (
    agent_id   uuid NOT NULL REFERENCES ccm.agent,
    skill      text NOT NULL REFERENCES ccm.skill ON DELETE CASCADE,
    level      smallint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agent_id, skill),
    CONSTRAINT agent_skill_level_in_range CHECK (level BETWEEN 0 AND 100)
);
COMMENT ON TABLE ccm.agent_skill IS 'How well each agent can do it; an agent without a row has level 0';
COMMENT ON COLUMN ccm.agent_skill.agent_id IS 'The agent';
COMMENT ON COLUMN ccm.agent_skill.skill IS 'The skill';
COMMENT ON COLUMN ccm.agent_skill.level IS 'Proficiency, 0 to 100';
COMMENT ON COLUMN ccm.agent_skill.changed_at IS 'When it was last set';

CREATE TABLE ccm.queue_skill (
    queue_id   uuid NOT NULL REFERENCES ccm.queue,
    skill      text NOT NULL REFERENCES ccm.skill,
    minimum    smallint NOT NULL,
    weight     smallint NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue_id, skill),
    CONSTRAINT queue_skill_minimum_in_range CHECK (minimum BETWEEN 0 AND 100),
    CONSTRAINT queue_skill_weight_in_range CHECK (weight BETWEEN 1 AND 100)
);
COMMENT ON TABLE ccm.queue_skill IS 'What a queue requires of its members';
COMMENT ON COLUMN ccm.queue_skill.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_skill.skill IS 'The skill';
COMMENT ON COLUMN ccm.queue_skill.minimum IS 'Members below this level get a penalty of 1000 or more';
COMMENT ON COLUMN ccm.queue_skill.weight IS 'How much it counts beside the other skills of the queue';
COMMENT ON COLUMN ccm.queue_skill.changed_at IS 'When it was last set';

CREATE TABLE ccm.queue_skill_relaxation (
    queue_id      uuid NOT NULL,
    skill         text NOT NULL,
    after_seconds integer NOT NULL,
    minimum       smallint NOT NULL,
    PRIMARY KEY (queue_id, skill, after_seconds),
    FOREIGN KEY (queue_id, skill) REFERENCES ccm.queue_skill ON DELETE CASCADE,
    CONSTRAINT queue_skill_relaxation_after_positive CHECK (after_seconds > 0),
    CONSTRAINT queue_skill_relaxation_minimum_in_range CHECK (minimum BETWEEN 0 AND 100)
);
COMMENT ON TABLE ccm.queue_skill_relaxation IS 'How the minimum of a queue is lowered when somebody waits long';
COMMENT ON COLUMN ccm.queue_skill_relaxation.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_skill_relaxation.skill IS 'The skill';
COMMENT ON COLUMN ccm.queue_skill_relaxation.after_seconds IS 'From this longest wait in the queue on, in seconds, until it is empty';
COMMENT ON COLUMN ccm.queue_skill_relaxation.minimum IS 'The minimum then';
