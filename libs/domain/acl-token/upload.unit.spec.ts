import { ACL_REGISTRY, aclTokenStream } from '@app/kernel';
import { event, given, idOf, type Decide } from '@app/testing';
import { bootstrapAcl, deleteAclToken } from './decide.js';
import { uploadAclToken, type UploadAclToken } from './upload.js';

const ACCESSOR = idOf(100);
const uploaded =
  (more: Partial<UploadAclToken> = {}): Decide<unknown> =>
  (view, context) =>
    uploadAclToken(view, context, {
      name: 'brought',
      nameBytes: 7,
      type: 'client',
      policies: ['readers'],
      roles: [],
      isGlobal: false,
      ttl: 0,
      time: 0,
      hash: 'hash',
      accessorId: ACCESSOR,
      secretDigest: 'digest',
      isSecretTaken: false,
      brought: '0 0',
      ...more,
    });
const created = event(aclTokenStream(ACCESSOR), 'AclTokenCreated', { accessorId: ACCESSOR, secretDigest: 'digest' });
const noted = event(ACL_REGISTRY, 'AclTokenUploaded', { accessorId: ACCESSOR });

test('An upload creates the token, and says that a secret was brought along', () => {
  given().when(uploaded()).thenAppended(created, noted);
});

test('An upload is outdated once another secret was brought along, which may be the same', () => {
  const other = uploaded({ accessorId: idOf(101) });
  given(other).when(uploaded()).thenRejected('acl-upload-outdated');
  given(other)
    .when(uploaded({ brought: '0 1' }))
    .thenAppended(created, noted);
  const bootstrapped: Decide<unknown> = (view, context) =>
    bootstrapAcl(view, context, { accessorId: idOf(102), secretDigest: 'digest', hash: 'hash', resetIndex: undefined });
  given(bootstrapped).when(uploaded()).thenRejected('acl-upload-outdated');
});

test('An upload of a token that is there changes it, and its secret stays', () => {
  given(uploaded())
    .when(uploaded({ name: 'again', secretDigest: 'other', isSecretTaken: true }))
    .thenAppended(event(aclTokenStream(ACCESSOR), 'AclTokenChanged', { name: 'again' }))
    .thenState(aclTokenStream(ACCESSOR), { name: 'again', secretDigest: 'digest' });
});

test('An upload brings a deleted token back, with the secret that it brings along', () => {
  given(uploaded(), (view, context) => deleteAclToken(view, context, { id: ACCESSOR }))
    .when(uploaded({ secretDigest: 'other', brought: '0 1' }))
    .thenState(aclTokenStream(ACCESSOR), { secretDigest: 'other', purged: false });
});
