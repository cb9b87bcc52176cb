import { NomadError } from './nomad-error.js';

it.each([
  ['deployment not found', 500, 'deployment not found'],
  ['rpc error: Permission denied', 403, 'Permission denied'],
  ['x: ACL token not found', 403, 'ACL token not found'],
  [
    'Filter expression cannot be used with other filter parameters',
    400,
    'Filter expression cannot be used with other filter parameters',
  ],
])('an error without a status has the one its text ends with: %j', (text, status, body) =>
  expect(new NomadError(text)).toMatchObject({ status, text: body, message: body }),
);

it('a status that was given stays', () =>
  expect(new NomadError('alloc not found', 404)).toMatchObject({ status: 404, text: 'alloc not found' }));
