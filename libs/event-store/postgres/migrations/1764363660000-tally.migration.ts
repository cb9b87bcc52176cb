import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What finds events in the log by who, what and why: ADR 0040. Filled beside the append, which knows nothing of it: `tally_log` follows the
 * log a part (256 indexes) at a time, and what it has not come to yet is looked through instead.
 */
export class Tally1764363660000 implements MigrationInterface {
  readonly name = 'Tally1764363660000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [TABLES, TEXTS, TALLY]) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations go forward only'));
  }
}

// log_tally: how many events of each sort a part holds. actor: as JSON; of nodes and allocations, of which there may be as many as events, the
// first word. namespace: empty where there is none.
// log_reason: the words of the reason of each commit that has one.
const TABLES = `
CREATE TABLE log_tally (
  part bigint NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  events bigint NOT NULL
);
CREATE INDEX log_tally_part ON log_tally (part);
CREATE INDEX log_tally_kind ON log_tally (kind, part);
CREATE INDEX log_tally_type ON log_tally (type, part);
CREATE INDEX log_tally_actor ON log_tally (actor, part);

CREATE TABLE log_reason (
  index bigint PRIMARY KEY,
  words tsvector NOT NULL
);
CREATE INDEX log_reason_words ON log_reason USING gin (words);
`;

// readable_json: Postgres takes no member of a JSON text that holds, anywhere, an escape of what it has no text for: zero bytes, halves of a pair.
// member_of: of JSON, as JSON. words_of: escapes separate words. A word that is asked for is the beginning of one that is there.
const TEXTS = `
CREATE FUNCTION readable_json(p_json json) RETURNS json LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN strpos(p_json::text, '\\u') = 0 THEN p_json ELSE
    regexp_replace(p_json::text, '(?<!\\\\)((\\\\\\\\)*)\\\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\1\ufffd', 'g')::json END
$$;
CREATE FUNCTION member_of(p_json json, p_name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT (readable_json(p_json) -> p_name)::text
$$;
CREATE FUNCTION words_of(p_json text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT regexp_replace(p_json, '\\\\(u[0-9a-fA-F]{4}|.)', ' ', 'g')
$$;
CREATE FUNCTION asked_words(p_json text) RETURNS tsquery LANGUAGE sql IMMUTABLE AS $$
  SELECT regexp_replace(plainto_tsquery('simple', words_of(p_json))::text, '''( & |$)', ''':*\\1', 'g')::tsquery
$$;

CREATE FUNCTION tallied_actor(p_json text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_json LIKE '"node %' THEN '"node"' WHEN p_json LIKE '"allocation %' THEN '"allocation"' ELSE left(p_json, 256) END
$$;

CREATE FUNCTION stream_namespace(p_stream text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN split_part(p_stream, '/', 1) IN ('job', 'job-summary', 'job-purge', 'variable') THEN split_part(p_stream, '/', 2)
    ELSE coalesce((SELECT btrim(member_of(s.state::json, 'namespace'), '"') FROM stream s WHERE s.stream = p_stream), '')
  END
$$;
`;

// Returns how many parts it has come further: as many as allowed means that there may be more. One at a time: who finds another one at it goes.
const TALLY = `
CREATE FUNCTION tally_log(p_parts int) RETURNS int LANGUAGE plpgsql VOLATILE
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  width CONSTANT bigint := 256;
  first bigint;
  below bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(7164202512) THEN
    RETURN 0;
  END IF;
  first := coalesce((SELECT max(t.part) + 1 FROM log_tally t), (SELECT min(e.index) / width FROM event e), 0);
  below := least(first + p_parts, (SELECT (h.index + 1) / width FROM log_head h));
  IF below <= first THEN
    RETURN 0;
  END IF;

  INSERT INTO log_tally (part, namespace, kind, type, actor, events)
  SELECT e.part, stream_namespace(e.stream), split_part(e.stream, '/', 1), e.type, e.actor, sum(e.events)
  FROM (
    SELECT index / width AS part, stream, type, tallied_actor(member_of(meta, 'actor')) AS actor, count(*) AS events
    FROM event WHERE index >= first * width AND index < below * width GROUP BY 1, 2, 3, 4
  ) AS e
  GROUP BY 1, 2, 3, 4, 5;

  INSERT INTO log_reason (index, words)
  SELECT index, to_tsvector('simple', words_of(member_of(meta, 'reason')))
  FROM event WHERE index >= first * width AND index < below * width AND seq = 0 AND member_of(meta, 'reason') IS NOT NULL;

  RETURN below - first;
END $$;
`;
