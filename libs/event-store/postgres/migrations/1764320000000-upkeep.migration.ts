import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The upkeep of the log in two: partitions ahead, which need the head of the log for a moment; and rows that serve no longer, which need
 * nothing of it and go by an index, so many at a time.
 */
export class Upkeep1764320000000 implements MigrationInterface {
  readonly name = 'Upkeep1764320000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX command_key_used ON command_key (used_at)');
    await runner.query(MAINTENANCE);
    await runner.query(FORGETTING);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations go forward only'));
  }
}

const MAINTENANCE = `
CREATE OR REPLACE FUNCTION maintain_event_log() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  head bigint;
BEGIN
  SELECT h.index INTO head FROM log_head h;
  IF (SELECT h.partitioned_to FROM log_head h) < head + 5000000 THEN
    PERFORM 1 FROM log_head FOR UPDATE;
    PERFORM ensure_event_partitions(head + 5000000);
  END IF;
END $$;
`;

// append_batch has a row for each connection that ever appended, and no index: an update of every append would have to touch it, too.
// Returns how many rows went: as many as allowed means that there may be more.
const FORGETTING = `
CREATE FUNCTION forget_served_rows(p_limit int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  keys int;
  batches int;
BEGIN
  DELETE FROM command_key WHERE key IN (
    SELECT key FROM command_key WHERE used_at < clock_timestamp() - interval '1 day' ORDER BY used_at LIMIT p_limit FOR UPDATE SKIP LOCKED
  );
  GET DIAGNOSTICS keys = ROW_COUNT;
  DELETE FROM append_batch WHERE writer IN (
    SELECT writer FROM append_batch WHERE appended_at < clock_timestamp() - interval '1 hour' ORDER BY appended_at LIMIT p_limit FOR UPDATE SKIP LOCKED
  );
  GET DIAGNOSTICS batches = ROW_COUNT;
  RETURN greatest(keys, batches);
END $$;
`;
