import { anyName } from '@app/testing';
import fc from 'fast-check';
import { decodeBody } from './decode.js';
import { deploymentPauseRequest, jobRegisterRequest, scalingRequest } from './request-shapes.js';
import { scanFirstValue } from './scan.js';

const SHAPES = [deploymentPauseRequest, jobRegisterRequest, scalingRequest];
const fragments = fc.constantFrom(
  ...[
    '{',
    '}',
    '[',
    ']',
    '"',
    ',',
    ':',
    '1',
    '-',
    '0',
    '.',
    'e',
    't',
    'true',
    'f',
    'n',
    'null',
    '\\',
    '\\u',
    '00',
    ' ',
  ],
  ...['"Job"', '"ID"', '"Meta"', '"Count"', '"__proto__"', '"constructor"', '\u0000', 'é', '\ufeff'],
);
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.array(fragments, { maxLength: 20 }).map((parts) => Buffer.from(parts.join(''))),
  fc.json().map((text) => Buffer.from(text)),
);

describe('decoding any bytes', () => {
  it('gives a value or an error text, and never throws', () => {
    fc.assert(
      fc.property(bodies, fc.constantFrom(...SHAPES), (body, shape) => {
        const result = decodeBody<unknown>(body, shape);
        return result.ok ? typeof result.value === 'object' : result.error.length > 0;
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts as syntax exactly what JSON.parse accepts', () => {
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const scanned = scanFirstValue(Buffer.from(text));
        const rest = scanned.ok ? Buffer.from(text).subarray(scanned.value[1]).toString('utf8') : '';
        let parses = true;
        try {
          JSON.parse(text);
        } catch {
          parses = false;
        }
        return parses === (scanned.ok && /^[ \t\r\n]*$/.test(rest));
      }),
      { numRuns: 3000 },
    );
  });

  it('gives every integer back with its digits, or refuses it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.nat(60), (value, shift) => {
        const text = `{"Count":${value >> BigInt(shift)}}`;
        const result = decodeBody(Buffer.from(text), scalingRequest);
        return !result.ok || JSON.stringify(result.value) === text;
      }),
    );
  });

  it('gives back a request as it was sent', () => {
    const requests = fc.record(
      {
        Job: fc.record(
          {
            ID: fc.string(),
            Priority: fc.integer(),
            Meta: fc.dictionary(anyName(), fc.string()),
            Datacenters: fc.array(fc.string()),
            Stop: fc.boolean(),
          },
          { requiredKeys: [] },
        ),
        EnforceIndex: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(requests, (request) => {
        const result = decodeBody(Buffer.from(JSON.stringify(request)), jobRegisterRequest);
        expect(result).toEqual({ ok: true, value: request });
      }),
    );
  });
});
