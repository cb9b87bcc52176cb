import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CommandHandler, type EventStore, type Leases, type LogSearch, type PastLog } from '@app/event-store';
import { US_PER_MS, type TimeUs } from '@app/kernel';
import { AnswerCache, KeptLists, LogTail, NodeNews, ofTheSide, type ReadSide, type Replica } from '@app/streaming';
import { IdentityProviders } from '@app/identity-providers';
import { AllocationIdentities, IdentityTokens, Keyring } from '@app/keyring';
import {
  Heartbeats,
  LockRenewals,
  PastMoments,
  PastStates,
  ReadModels,
  StatesInTime,
  Variables,
  type ServerDirectory,
} from '@app/read-models';
import { AclBootstrapController, BootstrapReset } from './acl/acl-bootstrap.controller.js';
import { AclAuthMethodsController } from './acl/acl-auth-methods.controller.js';
import { AclBindingRulesController } from './acl/acl-binding-rules.controller.js';
import { AclPoliciesController } from './acl/acl-policies.controller.js';
import { AclRolesController } from './acl/acl-roles.controller.js';
import { AclTokensController } from './acl/acl-tokens.controller.js';
import { AclLoginController } from './acl/login/acl-login.controller.js';
import { AclOidcController } from './acl/login/acl-oidc.controller.js';
import { Logins } from './acl/login/logins.js';
import { OidcRequests } from './acl/login/oidc-requests.js';
import { MethodSecrets } from './acl/method-secrets.js';
import { TokenSecrets } from './acl/token-secrets.js';
import { TokenUploads } from './acl/token-uploads.js';
import { TokenWrites } from './acl/token-writes.js';
import { AgentsController } from './agents/agents.controller.js';
import { DisksController } from './agents/disks.controller.js';
import { HeartbeatTtl } from './agents/heartbeat-ttl.js';
import { IntroductionsController } from './agents/introductions.controller.js';
import { JoinTokens } from './agents/join-tokens.js';
import { AllocationsController } from './allocations/allocations.controller.js';
import { ClientAllocationController } from './client/client-allocation.controller.js';
import { ClientFsController } from './client/client-fs.controller.js';
import { ClientNodeController } from './client/client-node.controller.js';
import { ExecController } from './client/exec.controller.js';
import { Forwarding } from './client/forwarding.js';
import { NodeCalls } from './client/node-calls.js';
import { DeploymentWaitController } from './deployments/deployment-wait.controller.js';
import { DeploymentsController } from './deployments/deployments.controller.js';
import { Lists } from './edge/lists.js';
import { NamedObjects } from './edge/named.js';
import { NomadErrorFilter } from './edge/nomad-error.filter.js';
import { Objects } from './edge/objects.js';
import { PastReads } from './edge/past-reads.js';
import { Reads } from './edge/reads.js';
import { ServerIdentity } from './edge/server-identity.js';
import { Since } from './edge/since.js';
import { Writes } from './edge/writes.js';
import { EnterpriseController } from './enterprise/enterprise.controller.js';
import { EvaluationsController } from './evaluations/evaluations.controller.js';
import { JobCommandsController } from './jobs/job-commands.controller.js';
import { JobController } from './jobs/job.controller.js';
import { JobPlanController } from './jobs/job-plan.controller.js';
import { JobStatuses } from './jobs/job-statuses.js';
import { JobStatusesController } from './jobs/job-statuses.controller.js';
import { JobsController } from './jobs/jobs.controller.js';
import { Planner, type Rehearse } from './jobs/planner.js';
import { Submissions } from './jobs/submissions.js';
import { Ledger } from './ledger/ledger.js';
import { LedgerController } from './ledger/ledger.controller.js';
import { NamespacesController } from './namespaces/namespaces.controller.js';
import { DiscoveryController, OidcIssuer } from './keyring/discovery.controller.js';
import { KeyringController } from './keyring/keyring.controller.js';
import { NodeCommandsController } from './nodes/node-commands.controller.js';
import { NodePoolsController } from './nodes/node-pools.controller.js';
import { NodesController } from './nodes/nodes.controller.js';
import { AutopilotController } from './operator/autopilot.controller.js';
import { Foresight, ForesightController, type Rules } from './operator/foresight.controller.js';
import { FreezeClock, FreezesController } from './operator/freezes.controller.js';
import { History, HistoryController } from './operator/history.controller.js';
import { LeaseBook, LeasesController } from './operator/leases.controller.js';
import { MayController } from './operator/may.controller.js';
import { ProofController, Proofs } from './operator/proof.controller.js';
import { RaftController } from './operator/raft.controller.js';
import { Origins } from './operator/origins.js';
import type { WebhookDesk } from './operator/webhook-desk.js';
import { WebhooksController, WebhookServices } from './operator/webhooks.controller.js';
import { SchedulerConfigurationController } from './operator/scheduler-configuration.controller.js';
import { EventStreamController, EventStreams } from './events/event-stream.controller.js';
import { ScalingPoliciesController } from './scaling/scaling-policies.controller.js';
import { FuzzySearch } from './search/fuzzy-search.js';
import { PrefixSearch } from './search/prefix-search.js';
import { SearchController } from './search/search.controller.js';
import { HealthController, Readiness } from './status/health.controller.js';
import { AgentController } from './status/agent.controller.js';
import { AgentSelf } from './status/agent-self.js';
import { LocalNode } from './status/local-node.js';
import { MetricsController } from './status/metrics.controller.js';
import { LogLines, MonitorController } from './status/monitor.controller.js';
import { Servers } from './status/servers.js';
import { StatusController } from './status/status.controller.js';
import { SystemController, SystemHousekeeping } from './system/system.controller.js';
import { DocsController } from './surface/docs.controller.js';
import { ServicesController } from './services/services.controller.js';
import { VariableController } from './variables/variable.controller.js';
import { VolumesController } from './volumes/volumes.controller.js';
import { VariablesController } from './variables/variables.controller.js';

/** What the edge is built on; made by the app. */
export interface EdgeServices {
  readonly handler: CommandHandler;
  /** This process's name, as leases show it. */
  readonly instance: string;
  readonly store: EventStore & Leases & LogSearch & PastLog;
  readonly readModels: ReadModels;
  readonly heartbeats: Heartbeats;
  readonly variables: Variables;
  readonly renewals: LockRenewals;
  readonly keyring: Keyring;
  readonly identities: IdentityTokens;
  readonly identityProviders: IdentityProviders;
  /** Empty: no discovery document. */
  readonly oidcIssuer: string;
  readonly tail: LogTail;
  readonly cache: AnswerCache;
  readonly lists: KeptLists;
  /** Queries that may wait for a change at a time; undefined: the usual bound. */
  readonly maxWaiting?: number | undefined;
  /** Where stale reads go first. */
  readonly replica?: Pick<Replica, 'read'> | undefined;
  readonly news: NodeNews;
  readonly nodeCalls: NodeCalls;
  readonly directory: Pick<ServerDirectory, 'servers'>;
  readonly logLines: LogLines;
  readonly server: ServerIdentity;
  readonly readiness: Readiness;
  /** How long a node may be silent, in milliseconds, before the random part. */
  readonly heartbeatTtlMs: () => number;
  readonly rehearse: Rehearse;
  readonly rules: Rules;
  /** Microseconds since 1970. */
  readonly now: () => TimeUs;
  readonly webhooks: WebhookDesk;
  readonly housekeeping: SystemHousekeeping;
  readonly onFault: (error: unknown, id: string) => void;
  /** Where this server keeps what is its own. */
  readonly dataDir: string;
  /** What nodes must show to register; undefined: nothing. */
  readonly joinTokens?: readonly string[] | undefined;
}

/** Nomad's HTTP API. */
@Module({})
export class NomadApiModule {
  static on(services: EdgeServices): DynamicModule {
    const { handler, store, heartbeats, tail, server, readiness, onFault } = services;
    const { readModels, states, lists, cache } = readSideOf(services);
    const objects = new Objects(readModels, states, lists);
    const named = new NamedObjects(readModels);
    const servers = new Servers(services.directory, store, services.instance, server);
    const localNode = new LocalNode(readModels, server);
    const writes = new Writes(handler, server, new Since(store));
    const secrets = new TokenSecrets(services.keyring);
    const tokens = new TokenWrites(writes, objects, secrets);
    const prefixes = new PrefixSearch(readModels, named);
    return {
      module: NomadApiModule,
      controllers: [
        AclBootstrapController,
        AclTokensController,
        AclPoliciesController,
        AclRolesController,
        AclAuthMethodsController,
        AclBindingRulesController,
        AclLoginController,
        AclOidcController,
        IntroductionsController,
        DeploymentsController,
        DeploymentWaitController,
        AllocationsController,
        EvaluationsController,
        JobsController,
        JobStatusesController,
        JobController,
        JobCommandsController,
        JobPlanController,
        NamespacesController,
        NodePoolsController,
        NodeCommandsController,
        NodesController,
        EventStreamController,
        ScalingPoliciesController,
        SearchController,
        StatusController,
        AgentController,
        MonitorController,
        MetricsController,
        RaftController,
        AutopilotController,
        EnterpriseController,
        DocsController,
        VolumesController,
        SystemController,
        HealthController,
        HistoryController,
        LedgerController,
        LeasesController,
        ForesightController,
        MayController,
        ProofController,
        FreezesController,
        WebhooksController,
        SchedulerConfigurationController,
        ClientFsController,
        ClientAllocationController,
        ClientNodeController,
        ExecController,
        AgentsController,
        DisksController,
        DiscoveryController,
        KeyringController,
        VariablesController,
        VariableController,
        ServicesController,
      ],
      providers: [
        { provide: CommandHandler, useValue: handler },
        { provide: ReadModels, useValue: readModels },
        { provide: Heartbeats, useValue: heartbeats },
        { provide: Variables, useValue: services.variables },
        { provide: LockRenewals, useValue: services.renewals },
        { provide: Keyring, useValue: services.keyring },
        { provide: IdentityTokens, useValue: services.identities },
        { provide: TokenSecrets, useValue: secrets },
        { provide: TokenWrites, useValue: tokens },
        {
          provide: TokenUploads,
          useValue: new TokenUploads(tail, readModels, objects, tokens, services.keyring),
        },
        { provide: MethodSecrets, useValue: new MethodSecrets(services.keyring) },
        { provide: IdentityProviders, useValue: services.identityProviders },
        {
          provide: OidcRequests,
          useValue: new OidcRequests(services.keyring, () => Math.floor(services.now() / US_PER_MS)),
        },
        { provide: Logins, useValue: new Logins(tail, readModels, objects, tokens, secrets, services.keyring) },
        { provide: BootstrapReset, useValue: new BootstrapReset(services.dataDir) },
        { provide: AllocationIdentities, useValue: new AllocationIdentities(services.identities, server.region) },
        { provide: OidcIssuer, useValue: new OidcIssuer(services.oidcIssuer) },
        { provide: LogTail, useValue: tail },
        { provide: AnswerCache, useValue: cache },
        { provide: ServerIdentity, useValue: server },
        { provide: Readiness, useValue: readiness },
        { provide: Servers, useValue: servers },
        { provide: LocalNode, useValue: localNode },
        { provide: AgentSelf, useValue: new AgentSelf(server, servers, tail, localNode) },
        { provide: LogLines, useValue: services.logLines },
        { provide: SystemHousekeeping, useValue: services.housekeeping },
        { provide: HeartbeatTtl, useValue: new HeartbeatTtl(services.heartbeatTtlMs, Math.random) },
        { provide: NodeNews, useValue: services.news },
        { provide: JoinTokens, useValue: new JoinTokens(services.joinTokens, services.identities) },
        { provide: Objects, useValue: objects },
        { provide: JobStatuses, useValue: new JobStatuses(readModels, objects, tail, cache) },
        { provide: History, useValue: new History(states) },
        { provide: Ledger, useValue: new Ledger(store, readModels) },
        { provide: NodeCalls, useValue: services.nodeCalls },
        { provide: Forwarding, useValue: new Forwarding(objects, services.nodeCalls, server) },
        { provide: LeaseBook, useValue: new LeaseBook(store, services.instance) },
        { provide: Planner, useValue: new Planner(services.rehearse) },
        { provide: Foresight, useValue: new Foresight(services.rules) },
        { provide: FreezeClock, useValue: new FreezeClock(services.now) },
        { provide: Origins, useValue: new Origins(store) },
        { provide: WebhookServices, useValue: new WebhookServices(services.webhooks, store) },
        { provide: Proofs, useValue: new Proofs(store) },
        { provide: Submissions, useValue: new Submissions(store) },
        { provide: APP_FILTER, useValue: new NomadErrorFilter(onFault) },
        {
          provide: Reads,
          useValue: new Reads(
            tail,
            services.cache,
            server,
            new PastReads(store, new PastMoments(store), tail),
            services.maxWaiting,
            services.replica,
          ),
        },
        { provide: Writes, useValue: writes },
        { provide: NamedObjects, useValue: named },
        { provide: EventStreams, useValue: new EventStreams(store, tail, onFault) },
        { provide: PrefixSearch, useValue: prefixes },
        { provide: FuzzySearch, useValue: new FuzzySearch(readModels, named, objects, prefixes) },
        { provide: Lists, useValue: new Lists(readModels, objects, lists) },
      ],
    };
  }
}

/** What answers are made of. Where there is a replica, everything that an answer is made of follows the side that the request is read from. */
function readSideOf({
  store,
  readModels,
  lists,
  cache,
  replica,
}: EdgeServices): Pick<ReadSide, 'readModels' | 'states' | 'lists' | 'cache'> {
  const states = new StatesInTime(store, new PastStates(store));
  if (replica === undefined) return { readModels, states, lists, cache };
  return {
    readModels: ofTheSide(readModels, (side) => side.readModels),
    states: ofTheSide<ReadSide['states']>(states, (side) => side.states),
    lists: ofTheSide(lists, (side) => side.lists),
    cache: ofTheSide(cache, (side) => side.cache),
  };
}
