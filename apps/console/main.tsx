import { duration } from '@app/story';
import { effect } from '@preact/signals';
import { Component, render, type ComponentChildren } from 'preact';
import { ActionDialog, Done } from './parts/act.tsx';
import { chosen } from './parts/choice.tsx';
import { Help } from './parts/help.tsx';
import { listenToKeys, opened, PAGES } from './parts/keys.ts';
import { isMomentOpen, MomentBar } from './parts/moment.tsx';
import { Palette } from './parts/palette.tsx';
import { Fault } from './parts/answer.tsx';
import { indexed, visible } from './parts/words.ts';
import { AllocationPage } from './pages/allocation.tsx';
import { Board } from './pages/board.tsx';
import { CommitPage } from './pages/commit.tsx';
import { ComparePage } from './pages/compare.tsx';
import { DeploymentPage } from './pages/deployment.tsx';
import { EvaluationPage, EvaluationsPage } from './pages/evaluations.tsx';
import { FreezesPage } from './pages/freezes.tsx';
import { JobPage } from './pages/job.tsx';
import { JobsPage } from './pages/jobs.tsx';
import { LedgerPage } from './pages/ledger.tsx';
import { NodePage, NodesPage } from './pages/nodes.tsx';
import { ServersPage } from './pages/servers.tsx';
import { SettingsPage } from './pages/settings.tsx';
import { WebhookPage, WebhooksPage } from './pages/webhooks.tsx';
import { shownIndex } from './store/api.ts';
import { asOf, followLinks, isPast, place } from './store/go.ts';
import { head, heardAt, hold, isHeld, now, startStream, streamState } from './store/live.ts';

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
    case 'evaluations':
      return <EvaluationsPage />;
    case 'compare':
      return <ComparePage key={`${at.namespace} ${at.id}`} {...at} />;
    case 'commit':
      return <CommitPage key={at.index} index={at.index} />;
    case 'ledger':
      return <LedgerPage filters={at.filters} />;
    case 'freezes':
      return <FreezesPage />;
    case 'webhooks':
      return <WebhooksPage />;
    case 'webhook':
      return <WebhookPage key={at.id} id={at.id} />;
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
  const index = head.value < 0 ? '' : indexed(head.value);
  const state = streamState.value;
  if (isPast.value) return <span class="chip warns">the past, {indexed(shownIndex.value)}</span>;
  if (isHeld.value)
    return (
      <button type="button" class="chip warns" onClick={() => hold(false)}>
        updates held back; let them in
      </button>
    );
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
        <button
          type="button"
          class="small"
          aria-expanded={isPast.value || isMomentOpen.value}
          onClick={() => (isMomentOpen.value = !isMomentOpen.value)}
        >
          Time
        </button>
        <Freshness />
        <MomentBar />
      </header>
      <Done />
      <main id="main" tabIndex={-1}>
        <Fence key={JSON.stringify([place.value, asOf.value === undefined])}>
          <Page />
        </Fence>
      </main>
      <ActionDialog />
      {opened.value === 'palette' && <Palette />}
      {opened.value === 'help' && <Help />}
    </>
  );
}

effect(() => {
  document.documentElement.classList.toggle('past', isPast.value);
});
effect(() => {
  const at = place.value;
  const title = PAGES.find(([name]) => name === at.page)?.[1] ?? ('id' in at ? visible(at.id).slice(0, 60) : at.page);
  document.title = `${title} · Rollbook`;
});
// A choice is of the page on which it was made.
effect(() => {
  if (place.value) chosen.value = new Set();
});

followLinks();
listenToKeys();
void startStream();
render(<Shell />, document.getElementById('page')!);
