import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Chains the commits by a hash, see chain.ts. Commits of before are not part of it: `chain_from` says where it begins. Instances of the release
 * before go on appending by the function that they know, which computes the digests for them.
 */
export class Chain1764360000000 implements MigrationInterface {
  readonly name = 'Chain1764360000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [COLUMNS, DIGESTS, APPEND, APPEND_OF_BEFORE]) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations go forward only'));
  }
}

// The hash stands with the first event of each commit: a table of its own would cost every append another index. Locks log_head first, as the
// append does.
const COLUMNS = `
ALTER TABLE log_head
  ADD COLUMN chain bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
  ADD COLUMN chain_from bigint NOT NULL DEFAULT 1;
UPDATE log_head SET chain_from = index + 1;
ALTER TABLE event ADD COLUMN chain bytea;
`;

// The same bytes as commitDigest, one digest of 32 bytes for each command.
const DIGESTS = `
CREATE FUNCTION commit_digests(
  c_time bigint[], c_meta text[],
  e_command int[], e_seq int[], e_stream text[], e_version int[], e_type text[], e_schema int[], e_data text[]
) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT string_agg(sha256(convert_to(
    E'rollbook commit 1\\n' || c.time || E'\\n' || octet_length(c.meta) || ':' || c.meta || E'\\n' || coalesce(e.count, 0) || E'\\n'
      || coalesce(e.bytes, ''), 'UTF8')), ''::bytea ORDER BY c.command)
  FROM unnest(c_time, c_meta) WITH ORDINALITY AS c (time, meta, command)
  LEFT JOIN (
    SELECT e.command, count(*) AS count, string_agg(
      octet_length(e.stream) || ':' || e.stream || E'\\n' || e.version || ':' || e.schema || ':' || e.type || E'\\n'
        || octet_length(e.data) || ':' || e.data || E'\\n', '' ORDER BY e.seq) AS bytes
    FROM unnest(e_command, e_seq, e_stream, e_version, e_type, e_schema, e_data)
      AS e (command, seq, stream, version, type, schema, data)
    GROUP BY e.command
  ) AS e ON e.command = c.command
$$;
`;

// As it was, and: the digests of the commands come in one value, since an element of an array of bytea is found by counting from its first.
const APPEND = `
CREATE FUNCTION append_events(
  p_writer uuid, p_batch bigint, p_pending text,
  c_events int[], c_time bigint[], c_meta text[], c_lease text[], c_epoch bigint[], c_key text[], c_fingerprint text[], c_answer text[],
  x_command int[], x_stream text[], x_version int[],
  e_command int[], e_seq int[], e_stream text[], e_version int[], e_type text[], e_schema int[], e_data text[],
  s_command int[], s_stream text[], s_version int[], s_state text[],
  r_command int[], r_table text[], r_key text[], r_columns text[], r_document text[],
  p_digests bytea
) RETURNS json LANGUAGE plpgsql VOLATILE
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  commands CONSTANT int := cardinality(c_events);
  head bigint;
  link bytea;
  links bytea[];
  room bigint;
  before bigint;
  numbers bigint[] := array_fill(0::bigint, ARRAY[commands]);
  refusals json[] := array_fill(NULL::json, ARRAY[commands]);
  is_plain boolean := true;
  item record;
  outcome json;
BEGIN
  SELECT h.index, h.partitioned_to, h.chain INTO before, room, link FROM log_head h FOR UPDATE;
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
      link := sha256(link || int8send(head) || substring(p_digests FROM 32 * command - 31 FOR 32));
      links[command] := link;
    END IF;
  END LOOP;

  IF head > before THEN
    IF head >= room THEN
      PERFORM ensure_event_partitions(head + 1);
    END IF;

    INSERT INTO event (index, seq, stream, version, type, schema, data, meta, recorded_at, chain)
    SELECT numbers[e.command], e.seq, e.stream, e.version, e.type, e.schema, e.data::json, c_meta[e.command]::json,
      timestamptz 'epoch' + c_time[e.command] * interval '1 microsecond',
      CASE WHEN e.seq = 0 THEN links[e.command] END
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

    UPDATE log_head SET index = head, chain = link;
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

const APPEND_OF_BEFORE = `
CREATE OR REPLACE FUNCTION append_events(
  p_writer uuid, p_batch bigint, p_pending text,
  c_events int[], c_time bigint[], c_meta text[], c_lease text[], c_epoch bigint[], c_key text[], c_fingerprint text[], c_answer text[],
  x_command int[], x_stream text[], x_version int[],
  e_command int[], e_seq int[], e_stream text[], e_version int[], e_type text[], e_schema int[], e_data text[],
  s_command int[], s_stream text[], s_version int[], s_state text[],
  r_command int[], r_table text[], r_key text[], r_columns text[], r_document text[]
) RETURNS json LANGUAGE sql VOLATILE AS $$
  SELECT append_events(
    p_writer, p_batch, p_pending, c_events, c_time, c_meta, c_lease, c_epoch, c_key, c_fingerprint, c_answer,
    x_command, x_stream, x_version,
    e_command, e_seq, e_stream, e_version, e_type, e_schema, e_data,
    s_command, s_stream, s_version, s_state,
    r_command, r_table, r_key, r_columns, r_document,
    commit_digests(c_time, c_meta, e_command, e_seq, e_stream, e_version, e_type, e_schema, e_data))
$$;
`;
