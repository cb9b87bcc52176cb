import { isoFromUs } from '@app/kernel';
import type { LastDrain, NodeState } from './state.js';

/** Nomad's Node. spec/http-api §2.6. */
export const renderNode = (state: NodeState): object => {
  const { description } = state;
  return {
    Attributes: description.Attributes,
    CSIControllerPlugins: {},
    CSINodePlugins: {},
    CgroupParent: '',
    ComputedClass: state.computedClass,
    CreateIndex: state.createIndex,
    Datacenter: description.Datacenter,
    Drain: state.drain !== null,
    DrainStrategy: state.drain && {
      Deadline: state.drain.deadline,
      IgnoreSystemJobs: state.drain.ignoreSystemJobs,
      ForceDeadline: isoFromUs(state.drain.forceDeadline),
      StartedAt: isoFromUs(state.drain.startedAt),
    },
    Drivers: description.Drivers,
    Events: state.events.map((event) => ({
      Message: event.message,
      Subsystem: event.subsystem,
      Details: event.details,
      Timestamp: isoFromUs(event.timestamp),
      CreateIndex: event.createIndex,
    })),
    GCVolumesOnNodeGC: false,
    HTTPAddr: description.HTTPAddr,
    HostNetworks: {},
    HostVolumes: description.HostVolumes ?? {},
    ID: state.id,
    IdentitySigningKeyID: '',
    LastAllocUpdateIndex: state.lastAllocUpdateIndex,
    LastDrain: renderLastDrain(state.lastDrain),
    LastMissedHeartbeatIndex: state.lastMissedHeartbeatIndex,
    Links: {},
    Meta: description.Meta,
    ModifyIndex: state.modifyIndex,
    Name: description.Name,
    NodeClass: description.NodeClass,
    NodeMaxAllocs: 0,
    NodePool: description.NodePool,
    NodeResources: renderNodeResources(state),
    ReservedResources: {
      Cpu: { CpuShares: description.ReservedResources.Cpu.CpuShares, ReservedCpuCores: null },
      Memory: description.ReservedResources.Memory,
      Disk: description.ReservedResources.Disk,
      Networks: description.ReservedResources.Networks,
    },
    SchedulingEligibility: state.eligibility,
    SecretID: '',
    Status: state.status,
    StatusDescription: state.statusDescription,
    StatusUpdatedAt: state.statusUpdatedAt,
    TLSEnabled: false,
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
  Cpu: resources.Cpu,
  Processors: { Topology: null, OverrideTotalCompute: 0, OverrideWitholdCompute: 0 },
  Memory: resources.Memory,
  Disk: resources.Disk,
  Devices: null,
  NodeNetworks: resources.NodeNetworks,
  Networks: resources.Networks,
  MinDynamicPort: resources.MinDynamicPort,
  MaxDynamicPort: resources.MaxDynamicPort,
});

const renderLastDrain = (drain: LastDrain | null): object | null =>
  drain && {
    StartedAt: isoFromUs(drain.startedAt),
    UpdatedAt: isoFromUs(drain.updatedAt),
    Status: drain.status,
    AccessorID: drain.accessorId,
    Meta: drain.meta,
  };
