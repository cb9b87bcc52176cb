import type { JsonObject } from '@app/kernel';
import type { TaskGroup } from '../../nomad.js';
import { multiError } from './multi-error.js';
import { isObject } from './read.js';
import { mistakes } from './validate-policies.js';

/** How many may use a volume of this access mode, and what for. */
function accessErrors(volume: JsonObject, count: number): string[] {
  const mode = String(volume['AccessMode'] ?? '');
  const isReadOnly = volume['ReadOnly'] === true;
  const isShared = count > 1 && volume['PerAlloc'] !== true;
  const only = (whom: string) => `volume with ${mode} access mode allows only one ${whom}`;
  switch (mode) {
    case '':
      return ['CSI volumes must have an access mode'];
    case 'single-node-reader-only':
      return mistakes([
        [!isReadOnly, `${mode} volumes must be read-only`],
        [isShared, only('reader')],
      ]);
    case 'single-node-writer':
      return mistakes([[isShared, only('reader or writer')]]);
    case 'multi-node-reader-only':
      return mistakes([[!isReadOnly, `${mode} volumes must be read-only`]]);
    case 'multi-node-single-writer':
      return mistakes([[isShared && !isReadOnly, only('writer')]]);
    case 'multi-node-multi-writer':
      return [];
    default:
      return [`invalid access mode: ${mode}`];
  }
}

const csiErrors = (volume: JsonObject, count: number): string[] => [
  ...mistakes([
    [!volume['AttachmentMode'], 'CSI volumes must have an attachment mode'],
    [
      volume['AttachmentMode'] === 'block-device' && isObject(volume['MountOptions']),
      'block devices cannot have mount options',
    ],
  ]),
  ...accessErrors(volume, count),
];

function volumeErrors(volume: JsonObject, group: TaskGroup, jobType: string): string[] {
  const type = String(volume['Type'] ?? '');
  const perAlloc = volume['PerAlloc'] === true;
  return [
    ...mistakes([
      [type !== 'host' && type !== 'csi', `volume has unrecognized type ${type}`],
      [volume['Source'] === '', 'volume has an empty source'],
      [
        perAlloc && (jobType === 'system' || jobType === 'sysbatch'),
        'volume cannot be per_alloc for system or sysbatch jobs',
      ],
      [perAlloc && (group.Update?.Canary ?? 0) > 0, 'volume cannot be per_alloc when canaries are in use'],
      [type === 'host' && isObject(volume['MountOptions']), 'host volumes cannot have mount options'],
    ]),
    ...(type === 'csi' ? csiErrors(volume, group.Count) : []),
  ];
}

/** What is wrong with the volumes that a group asks for, by name. */
export const groupVolumesErrors = (group: TaskGroup, jobType: string): string[] =>
  Object.entries(group.Volumes ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([name, volume]) => {
      const errors = isObject(volume) ? volumeErrors(volume, group, jobType) : [];
      return errors.length === 0 ? [] : [`Task group volume validation for ${name} failed: ${multiError(errors)}`];
    });
