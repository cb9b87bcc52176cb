import { draftOf, draftsOf, fill, type Draft } from './inherit.js';

/** What Nomad's parser fills in and rearranges also where no canonical form is asked for. Source: spec/http-api-client §7. */
export function normalize(job: Draft): void {
  const label = job['Label'];
  delete job['Label'];
  fill(job, { ID: label, Name: label });
  const periodic = draftOf(job['Periodic']);
  if (periodic && (periodic['Spec'] !== null || periodic['Specs'] !== null)) periodic['SpecType'] = 'cron';
  for (const group of draftsOf(job['TaskGroups'])) {
    for (const network of draftsOf(group['Networks'])) sortPorts(network);
    const scaling = draftOf(group['Scaling']);
    if (scaling) scaling['Type'] = 'horizontal';
    for (const task of draftsOf(group['Tasks'])) normalizeTask(task);
  }
}

function normalizeTask(task: Draft): void {
  for (const network of draftsOf(draftOf(task['Resources'])?.['Networks'])) sortPorts(network);
  for (const template of draftsOf(task['Templates'])) {
    fill(template, { ChangeMode: 'restart', Perms: '0644', Splay: 5e9, ErrMissingKey: false });
    fill(draftOf(template['ChangeScript']), { Args: [], Timeout: 5e9, FailOnError: false, RunOnFirstRender: false });
  }
  fill(draftOf(task['Vault']), { Env: true, DisableFile: false, ChangeMode: 'restart' });
  const identities = draftsOf(task['Identities']);
  const own = identities.find(({ Name: name }) => name === '' || name === 'default');
  if (own) {
    task['Identity'] = own;
    task['Identities'] = identities.filter((one) => one !== own);
  }
}

/** Ports with a number are reserved. */
function sortPorts(network: Draft): void {
  const ports = draftsOf(network['DynamicPorts']);
  const isStatic = ({ Value: value }: Draft) => typeof value === 'number' && value > 0;
  const reserved = [...draftsOf(network['ReservedPorts']), ...ports.filter(isStatic)];
  const dynamic = ports.filter((port) => !isStatic(port));
  network['ReservedPorts'] = reserved.length === 0 ? null : reserved;
  network['DynamicPorts'] = dynamic.length === 0 ? null : dynamic;
}
