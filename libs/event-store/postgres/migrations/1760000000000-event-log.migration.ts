import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The log and what its append needs: tables, guards, and the functions that are the only ones to write. */
export class EventLog1760000000000 implements MigrationInterface {
  readonly name = 'EventLog1760000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [TABLES, GUARDS, PARTITIONS, APPEND, RESOLVE, LEASE, MAINTENANCE])
      await runner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}

// log_head: locked first by every append, so commits are serial and a rollback returns its numbers. One row on a nearly empty page: every
// update is HOT. partitioned_to: the first index that no partition is there for yet.
// stream: the compare-and-swap and the latest state. It is not partitioned because a partitioned table cannot hold a unique (stream, version).
// append_batch: the last batch of each writing connection, so that a lost answer can be found. One row per writer, updated in place: a row per
// batch would be millions an hour.
const TABLES = `
CREATE TABLE log_head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  index bigint NOT NULL,
  store_epoch uuid NOT NULL,
  partitioned_to bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO log_head (index, store_epoch, partitioned_to) VALUES (0, gen_random_uuid(), 0);

CREATE TABLE event (
  index bigint NOT NULL,
  seq integer NOT NULL,
  stream text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  type text COLLATE "C" NOT NULL,
  schema integer NOT NULL,
  data json NOT NULL,
  meta json NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (index, seq)
) PARTITION BY RANGE (index);
CREATE INDEX event_stream_version ON event (stream, version);

CREATE TABLE stream (
  stream text COLLATE "C" PRIMARY KEY,
  version integer NOT NULL,
  last_index bigint NOT NULL,
  state text NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE table_index (
  name text COLLATE "C" PRIMARY KEY,
  index bigint NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE append_batch (
  writer uuid PRIMARY KEY,
  batch bigint NOT NULL,
  result json,
  appended_at timestamptz NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE command_key (
  key text COLLATE "C" PRIMARY KEY,
  fingerprint text NOT NULL,
  index bigint NOT NULL,
  answer text NOT NULL,
  used_at timestamptz NOT NULL
);

CREATE TABLE lease (
  name text COLLATE "C" PRIMARY KEY,
  holder text NOT NULL,
  epoch bigint NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 10);
`;

// Statement triggers: they cost an insert nothing. Those of the parent do not fire for a statement that names a partition, so each partition
// gets its own (below).
const GUARDS = `
CREATE FUNCTION refuse_rewriting_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the event log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();
`;

// A new table that is then attached takes only SHARE UPDATE EXCLUSIVE on the parent: neither readers nor writers of the log wait for it
// (CREATE TABLE … PARTITION OF would lock them out, and wait for the longest reader first). Called with log_head locked.
const PARTITIONS = `
CREATE FUNCTION ensure_event_partitions(needed_to bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  width CONSTANT bigint := 10000000;
  lower bigint := (SELECT h.partitioned_to FROM log_head h);
  partition text;
BEGIN
  WHILE lower < needed_to LOOP
    partition := 'event_' || lpad((lower / width)::text, 6, '0');
    EXECUTE format('CREATE TABLE %I (LIKE event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
    EXECUTE format('ALTER TABLE event ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', partition, lower, lower + width);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history()', partition);
    lower := lower + width;
  END LOOP;
  UPDATE log_head SET partitioned_to = lower WHERE partitioned_to < lower;
END $$;
SELECT ensure_event_partitions(20000000);
`;

// It must be a VOLATILE plpgsql function: each statement after the lock sees a fresh snapshot (READ COMMITTED), so what the previous holder of
// the lock wrote is seen by the checks. One statement with CTEs would keep the snapshot that it had before it waited.
//
// The settings: the planner knows neither how long the arrays are nor how large the tables have become since they were last analysed, and one
// plan is kept for the connection's life. By index is right for all of it; sequential scans and hash joins over a table that was once empty
// are not. With sequential scans made expensive jit would start compiling: off.
//
// NOTIFY inside: it keeps other notifying transactions from committing until this one is durable, but appends are serial anyway, so nobody
// waits who would not wait without it. Measured against a statement of its own after the commit, coalesced, on a second connection (one
// listener, 2 cores, in turns, commits a second): batches of 1: 901 inside, 811 separate; of 16: 513 and 457; of 128: 109 and 105 (118
// without any). The separate one can also be lost with its process.
const APPEND = `
CREATE FUNCTION append_events(
  p_writer uuid, p_batch bigint, p_pending text,
  c_events int[], c_time bigint[], c_meta text[], c_lease text[], c_epoch bigint[], c_key text[], c_fingerprint text[], c_answer text[],
  x_command int[], x_stream text[], x_version int[],
  e_command int[], e_seq int[], e_stream text[], e_version int[], e_type text[], e_schema int[], e_data text[],
  s_command int[], s_stream text[], s_version int[], s_state text[],
  r_command int[], r_table text[], r_key text[], r_columns text[], r_document text[]
) RETURNS json LANGUAGE plpgsql VOLATILE
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  commands CONSTANT int := cardinality(c_events);
  head bigint;
  room bigint;
  before bigint;
  numbers bigint[] := array_fill(0::bigint, ARRAY[commands]);
  refusals json[] := array_fill(NULL::json, ARRAY[commands]);
  is_plain boolean := true;
  item record;
  outcome json;
BEGIN
  SELECT h.index, h.partitioned_to INTO before, room FROM log_head h FOR UPDATE;
  head := before;

  IF cardinality(c_key) > 0 THEN
    is_plain := false;
    FOR item IN
      SELECT c.command, k.index, k.answer, k.fingerprint = c.fingerprint AS is_same
      FROM unnest(c_key, c_fingerprint) WITH ORDINALITY AS c (key, fingerprint, command) JOIN command_key k ON k.key = c.key
    LOOP
      refusals[item.command] := CASE WHEN item.is_same
        THEN json_build_object('duplicate', item.index, 'answer', item.answer) ELSE '{"reused":true}' END;
    END LOOP;
  END IF;

  IF cardinality(c_lease) > 0 THEN
    FOR item IN
      SELECT c.command
      FROM unnest(c_lease, c_epoch) WITH ORDINALITY AS c (name, epoch, command) LEFT JOIN lease l ON l.name = c.name
      WHERE c.name IS NOT NULL AND l.epoch IS DISTINCT FROM c.epoch
    LOOP
      is_plain := false;
      refusals[item.command] := coalesce(refusals[item.command], '{"fenced":true}');
    END LOOP;
  END IF;

  FOR item IN
    SELECT x.command, json_agg(x.stream) AS moved
    FROM unnest(x_command, x_stream, x_version) AS x (command, stream, version) LEFT JOIN stream s ON s.stream = x.stream
    WHERE coalesce(s.version, 0) <> x.version
    GROUP BY x.command
  LOOP
    is_plain := false;
    refusals[item.command] := coalesce(refusals[item.command], json_build_object('conflict', item.moved));
  END LOOP;

  FOR command IN 1..commands LOOP
    IF c_events[command] = 0 THEN
      is_plain := false;
    ELSIF refusals[command] IS NULL THEN
      head := head + 1;
      numbers[command] := head;
    END IF;
  END LOOP;

  IF head > before THEN
    IF head >= room THEN
      PERFORM ensure_event_partitions(head + 1);
    END IF;

    INSERT INTO event (index, seq, stream, version, type, schema, data, meta, recorded_at)
    SELECT numbers[e.command], e.seq, e.stream, e.version, e.type, e.schema, e.data::json, c_meta[e.command]::json,
      timestamptz 'epoch' + c_time[e.command] * interval '1 microsecond'
    FROM unnest(e_command, e_seq, e_stream, e_version, e_type, e_schema, e_data)
      AS e (command, seq, stream, version, type, schema, data)
    WHERE numbers[e.command] > 0;

    INSERT INTO stream AS known (stream, version, last_index, state)
    SELECT s.stream, s.version, numbers[s.command], replace(s.state, p_pending, numbers[s.command]::text)
    FROM unnest(s_command, s_stream, s_version, s_state) AS s (command, stream, version, state)
    WHERE numbers[s.command] > 0
    ON CONFLICT (stream) DO UPDATE SET version = excluded.version, last_index = excluded.last_index, state = excluded.state;

    FOR item IN
      SELECT r.name, max(numbers[r.command]) AS index,
        array_agg(r.key) FILTER (WHERE r.columns IS NULL) AS gone,
        array_agg(replace(r.key, p_pending, numbers[r.command]::text)) FILTER (WHERE r.columns IS NOT NULL) AS keys,
        array_agg(replace(r.columns, p_pending, numbers[r.command]::text)::jsonb) FILTER (WHERE r.columns IS NOT NULL) AS columns,
        array_agg(replace(r.document, p_pending, numbers[r.command]::text)) FILTER (WHERE r.columns IS NOT NULL) AS documents
      FROM unnest(r_command, r_table, r_key, r_columns, r_document) AS r (command, name, key, columns, document)
      WHERE numbers[r.command] > 0
      GROUP BY r.name
    LOOP
      IF item.gone IS NOT NULL THEN
        EXECUTE format('SELECT %I($1)', 'unproject_' || item.name) USING item.gone;
      END IF;
      IF item.keys IS NOT NULL THEN
        EXECUTE format('SELECT %I($1, $2, $3)', 'project_' || item.name) USING item.keys, item.columns, item.documents;
      END IF;
      INSERT INTO table_index (name, index) VALUES (item.name, item.index)
      ON CONFLICT (name) DO UPDATE SET index = excluded.index;
    END LOOP;

    UPDATE log_head SET index = head;
    PERFORM pg_notify('rollbook_head', head::text);
  END IF;

  IF cardinality(c_key) > 0 THEN
    INSERT INTO command_key (key, fingerprint, index, answer, used_at)
    SELECT c.key, c.fingerprint, numbers[c.command], replace(c.answer, p_pending, numbers[c.command]::text), clock_timestamp()
    FROM unnest(c_key, c_fingerprint, c_answer) WITH ORDINALITY AS c (key, fingerprint, answer, command)
    WHERE c.key IS NOT NULL AND refusals[c.command] IS NULL;
  END IF;

  IF is_plain THEN
    outcome := json_build_object('first', before + 1);
  ELSE
    outcome := json_build_object('results', ARRAY(
      SELECT coalesce(refusals[c.command], to_json(numbers[c.command])) FROM generate_series(1, commands) AS c (command) ORDER BY c.command
    ));
  END IF;

  INSERT INTO append_batch AS last (writer, batch, result, appended_at) VALUES (p_writer, p_batch, outcome, clock_timestamp())
  ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, result = excluded.result, appended_at = excluded.appended_at
    WHERE last.batch < excluded.batch;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'batch % of writer % has been given up', p_batch, p_writer USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  RETURN outcome;
END $$;
`;

// Finding no row would not prove that nothing was written: the lost backend may still be on its way to COMMIT. So the look-up takes the
// batch's place first. It waits for a backend that has written the row already, and a later one finds the place taken and rolls back.
const RESOLVE = `
CREATE FUNCTION resolve_append(p_writer uuid, p_batch bigint) RETURNS json LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO append_batch AS last (writer, batch, result, appended_at) VALUES (p_writer, p_batch, NULL, clock_timestamp())
  ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, result = NULL, appended_at = excluded.appended_at
    WHERE last.batch < excluded.batch;
  RETURN (SELECT b.result FROM append_batch b WHERE b.writer = p_writer AND b.batch = p_batch);
END $$;
`;

// Taking a lease waits for the append that is under way: after it, no write of the former epoch can become visible any more. The first look
// keeps those who wait in vain away from that lock.
const LEASE = `
CREATE FUNCTION acquire_lease(p_name text, p_holder text, p_ttl_ms bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  taken bigint;
BEGIN
  IF EXISTS (SELECT FROM lease l WHERE l.name = p_name AND l.holder <> p_holder AND l.expires_at > clock_timestamp()) THEN
    RETURN NULL;
  END IF;
  PERFORM 1 FROM log_head FOR UPDATE;
  INSERT INTO lease AS l (name, holder, epoch, expires_at)
  VALUES (p_name, p_holder, 1, clock_timestamp() + p_ttl_ms * interval '1 millisecond')
  ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = l.epoch + 1, expires_at = excluded.expires_at
    WHERE l.holder = excluded.holder OR l.expires_at <= clock_timestamp()
  RETURNING l.epoch INTO taken;
  RETURN taken;
END $$;
`;

// Partitions are there at least five million indexes ahead; answers to repeated commands are kept for a day, and a writer that has not written
// for an hour no longer waits for an answer.
const MAINTENANCE = `
CREATE FUNCTION maintain_event_log() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  head bigint;
BEGIN
  SELECT h.index INTO head FROM log_head h;
  IF (SELECT h.partitioned_to FROM log_head h) < head + 5000000 THEN
    PERFORM 1 FROM log_head FOR UPDATE;
    PERFORM ensure_event_partitions(head + 5000000);
  END IF;
  DELETE FROM append_batch WHERE appended_at < clock_timestamp() - interval '1 hour';
  DELETE FROM command_key WHERE used_at < clock_timestamp() - interval '1 day';
END $$;
`;
