import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { newWebhookSecret, signedHeaders, webhookSecretProblem } from './webhook-secrets.js';

const BODY = JSON.stringify({ Topic: 'Job', Key: 'übermäßig – 日本' });
const nowS = (): number => Math.floor(Date.now() / 1000);

describe('Signatures of webhooks', () => {
  test('are those of the Standard Webhooks specification: its own library takes them', () => {
    const secret = newWebhookSecret();
    const headers = signedHeaders([secret], 'evt_1_0_abc', nowS(), BODY);
    expect(new Webhook(secret).verify(BODY, headers)).toEqual(JSON.parse(BODY));
  });

  test('are the documented ones', () => {
    // The example of the specification's own libraries.
    const headers = signedHeaders(
      ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1614265330,
      '{"test": 2432232314}',
    );
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  test('are one for each secret, and either is enough', () => {
    const secrets = [newWebhookSecret(), newWebhookSecret()];
    const headers = signedHeaders(secrets, 'evt_1_0_abc', nowS(), BODY);
    for (const secret of secrets) expect(new Webhook(secret).verify(BODY, headers)).toBeDefined();
  });

  test('fail for another secret, body, id or time', () => {
    const secret = newWebhookSecret();
    const headers = signedHeaders([secret], 'evt_1_0_abc', nowS(), BODY);
    const webhook = new Webhook(secret);
    expect(() => new Webhook(newWebhookSecret()).verify(BODY, headers)).toThrow(WebhookVerificationError);
    expect(() => webhook.verify(`${BODY} `, headers)).toThrow(WebhookVerificationError);
    expect(() => webhook.verify(BODY, { ...headers, 'webhook-id': 'evt_2' })).toThrow(WebhookVerificationError);
    expect(() => webhook.verify(BODY, signedHeaders([secret], 'evt_1', nowS() - 600, BODY))).toThrow(
      WebhookVerificationError,
    );
  });
});

test('A secret that is given has the form and the length of the specification', () => {
  const of = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;
  for (const good of [newWebhookSecret(), of(24), of(64)]) expect(webhookSecretProblem(good)).toBeUndefined();
  for (const bad of ['', 'whsec_', 'secret', of(23), of(65), `${of(24)}!`, of(24).slice('whsec_'.length)])
    expect(webhookSecretProblem(bad)).toContain('whsec_');
});
