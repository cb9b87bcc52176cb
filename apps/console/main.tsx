import { effect } from '@preact/signals';
import { Component, render, type ComponentChildren } from 'preact';
import { ActionDialog } from './parts/act.tsx';
import { Fault } from './parts/parts.tsx';
import { duration, visible } from './parts/words.ts';
import { AllocationPage } from './pages/allocation.tsx';
import { Board } from './pages/board.tsx';
import { DeploymentPage } from './pages/deployment.tsx';
import { JobPage } from './pages/job.tsx';
import { LedgerPage } from './pages/ledger.tsx';
import { EvaluationPage, JobsPage, NodePage, NodesPage, ServersPage } from './pages/lists.tsx';
import { SettingsPage } from './pages/settings.tsx';
import { followLinks, go, place } from './store/go.ts';
import { head, heardAt, now, startStream, streamState } from './store/live.ts';

const PAGES = [
  ['board', 'Rollouts', '/ui/', 'r'],
  ['jobs', 'Jobs', '/ui/jobs', 'j'],
  ['nodes', 'Nodes', '/ui/clients', 'n'],
  ['ledger', 'Ledger', '/ui/ledger', 'l'],
  ['servers', 'Servers', '/ui/servers', 's'],
  ['settings', 'Settings', '/ui/settings', 't'],
] as const;

function Page() {
  const at = place.value;
  switch (at.page) {
    case 'board':
      return <Board />;
    case 'jobs':
      return <JobsPage />;
    case 'job':
      return <JobPage key={`${at.namespace} ${at.id}`} {...at} />;
    case 'deployment':
      return <DeploymentPage key={at.id} id={at.id} />;
    case 'allocation':
      return <AllocationPage key={at.id} id={at.id} />;
    case 'evaluation':
      return <EvaluationPage key={at.id} id={at.id} />;
    case 'nodes':
      return <NodesPage />;
    case 'node':
      return <NodePage key={at.id} id={at.id} />;
    case 'ledger':
      return <LedgerPage />;
    case 'servers':
      return <ServersPage />;
    case 'settings':
      return <SettingsPage />;
    case 'unknown':
      return (
        <>
          <h1 class="answer">Rollbook has no page here.</h1>
          <p>
            Nothing is served at <code>{visible(at.path)}</code>. <a href="/ui/">Rollouts</a> is where the work is.
          </p>
        </>
      );
  }
}

/** A fault in one page is said there, and leaves the way to the others open. */
class Fence extends Component<{ readonly children: ComponentChildren }, { readonly fault?: string }> {
  override state: { readonly fault?: string } = {};

  static override getDerivedStateFromError(error: unknown): { readonly fault: string } {
    return { fault: String(error) };
  }

  override render() {
    const { fault } = this.state;
    return fault === undefined ? this.props.children : <Fault status={undefined} text={fault} />;
  }
}

/** As of which index everything is, and how old that is. */
function Freshness() {
  const age = duration((now.value - heardAt.value) / 1000);
  const index = head.value < 0 ? '' : `#${head.value.toLocaleString('en')}`;
  const state = streamState.value;
  if (state === 'live')
    return (
      <span class="chip">
        live, {index}, {age} ago
      </span>
    );
  if (state === 'denied')
    return (
      <a class="chip warns" href="/ui/settings/tokens">
        not live: your token may not follow the stream
      </a>
    );
  if (state === 'connecting') return <span class="chip">connecting…</span>;
  return (
    <span class="chip warns" role="alert">
      cut off; what you see is {index || 'old'}, {age} old
    </span>
  );
}

function Shell() {
  const { page } = place.value;
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header>
        <a class="brand" href="/ui/">
          Rollbook
        </a>
        <nav aria-label="Pages">
          {PAGES.map(([name, title, address]) => (
            <a key={name} href={address} aria-current={name === page ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <Freshness />
      </header>
      <main id="main" tabIndex={-1}>
        <Fence key={JSON.stringify(place.value)}>
          <Page />
        </Fence>
      </main>
      <ActionDialog />
    </>
  );
}

let isGoing = false;
addEventListener('keydown', ({ key, target, ctrlKey, metaKey, altKey }) => {
  if (ctrlKey || metaKey || altKey || (target as Element).closest('input, textarea, select, dialog') !== null) return;
  const chosen = isGoing ? PAGES.find(([, , , letter]) => letter === key) : undefined;
  isGoing = key === 'g';
  if (chosen !== undefined) go(chosen[2]);
  if (key === '/') setTimeout(() => document.getElementById('filter')?.focus());
});

effect(() => {
  const at = place.value;
  const title = PAGES.find(([name]) => name === at.page)?.[1] ?? ('id' in at ? visible(at.id).slice(0, 60) : at.page);
  document.title = `${title} · Rollbook`;
});

followLinks();
void startStream();
render(<Shell />, document.getElementById('page')!);
