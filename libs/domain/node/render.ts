import { isoFromUs } from '@app/kernel';
import type { LastDrain, NodeState } from './state.js';

/** Nomad's Node. spec/http-api §2.6. */
export const renderNode = (state: NodeState): object => {
  const { description } = state;
  return {
    CSIControllerPlugins: {},
    CSINodePlugins: {},
    CgroupParent: '',
    GCVolumesOnNodeGC: false,
    HostNetworks: {},
    Links: {},
    NodeMaxAllocs: 0,
    TLSEnabled: false,
    // A client of Nomad's tells more than our agents do; what it told is shown as it was.
    ...description,
    ComputedClass: state.computedClass,
    CreateIndex: state.createIndex,
    Drain: state.drain !== null,
    DrainStrategy: state.drain && {
      Deadline: state.drain.deadline,
      IgnoreSystemJobs: state.drain.ignoreSystemJobs,
      ForceDeadline: isoFromUs(state.drain.forceDeadline),
      StartedAt: isoFromUs(state.drain.startedAt),
    },
    Events: state.events.map((event) => ({
      Message: event.message,
      Subsystem: event.subsystem,
      Details: event.details,
      Timestamp: isoFromUs(event.timestamp),
      CreateIndex: event.createIndex,
    })),
    HostVolumes: description.HostVolumes ?? {},
    ID: state.id,
    IdentitySigningKeyID: '',
    LastAllocUpdateIndex: state.lastAllocUpdateIndex,
    LastDrain: renderLastDrain(state.lastDrain),
    LastMissedHeartbeatIndex: state.lastMissedHeartbeatIndex,
    ModifyIndex: state.modifyIndex,
    NodeResources: renderNodeResources(state),
    ReservedResources: {
      ...description.ReservedResources,
      Cpu: { ReservedCpuCores: null, ...description.ReservedResources.Cpu },
    },
    SchedulingEligibility: state.eligibility,
    SecretID: '',
    Status: state.status,
    StatusDescription: state.statusDescription,
    StatusUpdatedAt: state.statusUpdatedAt,
  };
};

/** Nomad's NodeListStub; attributes and resources are null unless asked for. spec/http-api §3. */
export const renderNodeStub = (
  state: NodeState,
  options: { readonly resources: boolean; readonly os: boolean } = { resources: false, os: false },
): object => {
  const { description } = state;
  const full = options.resources ? (renderNode(state) as { NodeResources: object; ReservedResources: object }) : null;
  return {
    Address: description.HTTPAddr.replace(/:\d+$/, ''),
    ID: state.id,
    Attributes: options.os ? { 'os.name': description.Attributes['os.name'] ?? '' } : null,
    Datacenter: description.Datacenter,
    Name: description.Name,
    NodePool: description.NodePool,
    NodeClass: description.NodeClass,
    Version: description.Attributes['nomad.version'] ?? '',
    Drain: state.drain !== null,
    SchedulingEligibility: state.eligibility,
    Status: state.status,
    StatusDescription: state.statusDescription,
    Drivers: description.Drivers,
    HostVolumes: description.HostVolumes ?? {},
    NodeResources: full?.NodeResources ?? null,
    ReservedResources: full?.ReservedResources ?? null,
    LastDrain: renderLastDrain(state.lastDrain),
    CreateIndex: state.createIndex,
    ModifyIndex: state.modifyIndex,
  };
};

const renderNodeResources = ({ description: { NodeResources: resources } }: NodeState): object => ({
  Processors: { Topology: null, OverrideTotalCompute: 0, OverrideWitholdCompute: 0 },
  Devices: null,
  ...resources,
});

const renderLastDrain = (drain: LastDrain | null): object | null =>
  drain && {
    StartedAt: isoFromUs(drain.startedAt),
    UpdatedAt: isoFromUs(drain.updatedAt),
    Status: drain.status,
    AccessorID: drain.accessorId,
    Meta: drain.meta,
  };
