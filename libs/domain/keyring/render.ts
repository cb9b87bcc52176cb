import { nsFromUs } from '@app/kernel';
import { rawNumber } from '../raw-json.js';
import type { RootKey } from './state.js';

/** Nomad: RootKeyMeta. Without anything of the key itself. */
export const renderRootKey = (key: RootKey): object => ({
  KeyID: key.id,
  Algorithm: 'aes256-gcm',
  CreateTime: rawNumber(nsFromUs(key.createTime)),
  CreateIndex: key.createIndex,
  ModifyIndex: key.modifyIndex,
  State: key.status,
  PublishTime: rawNumber(key.publishTime),
});
