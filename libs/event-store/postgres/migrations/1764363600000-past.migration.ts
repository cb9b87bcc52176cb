import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What reads of the past begin at, so that none has to go through a whole stream or the whole log: ADR 0036. */
export class Past1764363600000 implements MigrationInterface {
  readonly name = 'Past1764363600000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [TABLES, KEPT_STATES, MOMENTS, FILL, TRIGGERS, FILL]) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations go forward only'));
  }
}

// kept_state: a copy of a stream's state after the commit that brought its version to, or past, a multiple of 16.
// moment: the state of the whole log after some commits: the last commit of each kind of stream, and the latest time of a commit so far. Times
// of commits come from the clocks of instances and may go back; these never do.
const TABLES = `
CREATE TABLE kept_state (
  stream text COLLATE "C" NOT NULL,
  index bigint NOT NULL,
  version integer NOT NULL,
  state text NOT NULL,
  PRIMARY KEY (stream, index)
);

CREATE TABLE moment (
  index bigint PRIMARY KEY,
  time timestamptz NOT NULL,
  types jsonb NOT NULL
);
CREATE INDEX moment_time ON moment (time, index);
INSERT INTO moment (index, time, types) VALUES (0, '-infinity', '{}');
`;

const KEPT_STATES = `
CREATE FUNCTION keep_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO kept_state (stream, index, version, state) VALUES (NEW.stream, NEW.last_index, NEW.version, NEW.state);
  RETURN NULL;
END $$;
`;

// Reads what came since the last moment, by primary key: some hundred commits.
const MOMENTS = `
CREATE FUNCTION note_moment(p_index bigint) RETURNS void LANGUAGE plpgsql
  SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  last moment;
BEGIN
  SELECT * INTO last FROM moment m ORDER BY m.index DESC LIMIT 1;
  INSERT INTO moment (index, time, types)
  SELECT p_index, greatest(last.time, max(e.recorded_at)), last.types || coalesce(jsonb_object_agg(e.type, e.index), '{}')
  FROM (SELECT split_part(stream, '/', 1) AS type, max(index) AS index, max(recorded_at) AS recorded_at
        FROM event WHERE index > last.index AND index <= p_index GROUP BY 1) AS e;
END $$;

CREATE FUNCTION note_moment_of_append() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM note_moment(NEW.index);
  RETURN NULL;
END $$;
`;

// Of a log that is there already. Run once while appends go on, and once more for what they brought when they have to wait.
const FILL = `
DO $$
DECLARE
  head bigint := (SELECT index FROM log_head);
  at bigint := (SELECT max(index) FROM moment);
BEGIN
  WHILE at + 256 <= head LOOP
    at := at + 256;
    PERFORM note_moment(at);
  END LOOP;
END $$;
`;

// The conditions are looked at without calling anything: all but one commit in so many pay next to nothing.
const TRIGGERS = `
LOCK TABLE log_head IN SHARE ROW EXCLUSIVE MODE;
CREATE TRIGGER keep_first_state AFTER INSERT ON stream FOR EACH ROW WHEN (NEW.version >= 16) EXECUTE FUNCTION keep_state();
CREATE TRIGGER keep_state AFTER UPDATE ON stream FOR EACH ROW WHEN (NEW.version / 16 > OLD.version / 16) EXECUTE FUNCTION keep_state();
CREATE TRIGGER note_moment AFTER UPDATE ON log_head FOR EACH ROW WHEN (NEW.index / 256 > OLD.index / 256)
  EXECUTE FUNCTION note_moment_of_append();
`;
