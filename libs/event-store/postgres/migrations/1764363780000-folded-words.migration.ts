import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Upper and lower case of any script are one in reasons, whatever the locale of the database knows: most have `C`, which knows A to Z. */
export class FoldedWords1764363780000 implements MigrationInterface {
  readonly name = 'FoldedWords1764363780000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(WORDS);
    // They fill up again.
    await runner.query('TRUNCATE log_tally, log_reason');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations go forward only'));
  }
}

const WORDS = `
CREATE OR REPLACE FUNCTION words_of(p_json text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT lower(regexp_replace(p_json, '\\\\(u[0-9a-fA-F]{4}|.)', ' ', 'g') COLLATE pg_c_utf8)
$$;
`;
