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
 * The broker's properties for its listener SECURED. Whoever comes there may do what access lists say, and may stay for a quarter of a minute before it
 * must log in again; those who come by other listeners may do everything.
 */
export const securedProperties = (directory: string, { username, password }: SecuredListener): string => `
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
listener.name.secured.ssl.keystore.type=PKCS12
listener.name.secured.ssl.keystore.location=${keyStore(directory)}
listener.name.secured.ssl.keystore.password=${KEY_STORE_PASSWORD}
listener.name.secured.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.secured.plain.connections.max.reauth.ms=12000
listener.name.secured.scram-sha-512.connections.max.reauth.ms=12000
listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";
listener.name.secured.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
`;

/** How the storage of the broker is formatted so that it knows the user of SCRAM. */
export const userArguments = ({ username, password }: SecuredListener): string[] => [
  '--add-scram',
  `SCRAM-SHA-512=[name="${username}",password="${password}"]`,
];

const keyStore = (directory: string): string => join(directory, 'broker.p12');
