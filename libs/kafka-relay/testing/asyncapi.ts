import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { KafkaMessage } from 'kafkajs';
import { parse } from 'yaml';

interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, { readonly $ref: string }>>;
}
interface Document {
  readonly asyncapi: string;
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<
    Record<string, { readonly action: string; readonly channel: { readonly $ref: string } }>
  >;
}

const ID = 'asyncapi';

/** docs/asyncapi.yaml, and what it says of records. */
export interface AsyncApi {
  readonly document: Document;
  /** What is wrong with a record of the channel with this address; empty: nothing. */
  readonly problemsOf: (address: string, message: KafkaMessage) => string[];
}

/** @throws Error if a schema of the document is not valid, or a reference leads nowhere. */
export function readAsyncApi(): AsyncApi {
  const document = parse(readFileSync(join(__dirname, '../../../docs/asyncapi.yaml'), 'utf8')) as Document;
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema({ ...document, $id: ID });
  const at = (path: string): ValidateFunction => ajv.compile({ $ref: `${ID}#${path}` });
  const validators = new Map(
    Object.values(document.channels).map(({ address, messages }) => {
      const [message] = Object.values(messages);
      const path = message!.$ref.slice(1);
      return [
        address,
        { headers: at(`${path}/headers`), payload: at(`${path}/payload`), key: at(`${path}/bindings/kafka/key`) },
      ] as const;
    }),
  );
  return {
    document,
    problemsOf(address, { key, value, headers }) {
      const validator = validators.get(address);
      if (validator === undefined) return [`there is no channel ${address}`];
      const text = Object.fromEntries(Object.entries(headers ?? {}).map(([name, header]) => [name, String(header)]));
      const parts = {
        key: key?.toString(),
        headers: text,
        payload: JSON.parse(value?.toString() ?? 'null') as unknown,
      };
      return (['key', 'headers', 'payload'] as const).flatMap((part) =>
        validator[part](parts[part]) ? [] : [`${part}: ${ajv.errorsText(validator[part].errors)}`],
      );
    },
  };
}
