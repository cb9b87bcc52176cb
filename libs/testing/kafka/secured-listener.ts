import { ownProperty } from '@app/kernel';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const KEY_STORE_PASSWORD = 'key-store-of-a-test';
const VALID_DAYS = '2';

/** A listener that wants TLS and a login (SASL_SSL), and what its clients need. */
export interface SecuredListener {
  readonly brokers: readonly string[];
  /** PEM file with the broker's certificate, which only it has signed. */
  readonly caFile: string;
  readonly username: string;
  /** By PLAIN as well as by SCRAM-SHA-512. */
  readonly password: string;
}

/** Makes the broker's certificate in its directory, with the JDK's tool. */
export async function secureListener(directory: string, port: number): Promise<SecuredListener> {
  const caFile = join(directory, 'ca.pem');
  const store = ['-alias', 'broker', '-keystore', keyStore(directory), '-storepass', KEY_STORE_PASSWORD];
  const subject = ['-dname', 'CN=a test', '-ext', 'san=ip:127.0.0.1', '-validity', VALID_DAYS];
  await run('keytool', ['-genkeypair', '-keyalg', 'EC', '-storetype', 'PKCS12', ...store, ...subject]);
  await run('keytool', ['-exportcert', '-rfc', '-file', caFile, ...store]);
  return { brokers: [`127.0.0.1:${port}`], caFile, username: 'publisher', password: 'a word of =the test' };
}

/**
 * A broker's settings with a listener SECURED beside the others. Whoever comes there may do what access lists say, and may stay for twelve seconds
 * before it must log in again; those who come by other listeners may do everything.
 */
export function withSecuredListener(
  settings: Readonly<Record<string, string | number>>,
  directory: string,
  { brokers, username, password }: SecuredListener,
): Readonly<Record<string, string | number>> {
  const also = (key: string, value: string) => ({ [key]: `${ownProperty(settings, key)},${value}` });
  const listener = 'listener.name.secured';
  return {
    ...settings,
    ...also('listeners', `SECURED://${brokers[0]}`),
    ...also('advertised.listeners', `SECURED://${brokers[0]}`),
    ...also('listener.security.protocol.map', 'SECURED:SASL_SSL'),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    [`${listener}.ssl.keystore.type`]: 'PKCS12',
    [`${listener}.ssl.keystore.location`]: keyStore(directory),
    [`${listener}.ssl.keystore.password`]: KEY_STORE_PASSWORD,
    [`${listener}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-512',
    [`${listener}.plain.connections.max.reauth.ms`]: 12_000,
    [`${listener}.scram-sha-512.connections.max.reauth.ms`]: 12_000,
    [`${listener}.plain.sasl.jaas.config`]: `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`,
    [`${listener}.scram-sha-512.sasl.jaas.config`]: 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  };
}

/** How the storage of the broker is formatted so that it knows the user of SCRAM. */
export const userArguments = ({ username, password }: SecuredListener): string[] => [
  '--add-scram',
  `SCRAM-SHA-512=[name="${username}",password="${password}"]`,
];

const keyStore = (directory: string): string => join(directory, 'broker.p12');
