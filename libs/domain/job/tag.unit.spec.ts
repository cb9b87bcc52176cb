import { jobStream } from '@app/kernel';
import { event, given, jobSpec, registered, START, type Decide, type Given } from '@app/testing';
import type { JobState } from './state.js';
import { tagVersion, untagVersion, type TagAnswer, type TagVersion } from './tag.js';

const job = jobStream('default', 'web');
const tag =
  (change: Partial<TagVersion> = {}): Decide<TagAnswer> =>
  (view, context) =>
    tagVersion(view, context, {
      namespace: 'default',
      jobId: 'web',
      name: 'golden',
      description: 'the one',
      version: 0,
      latest: false,
      ...change,
    });
const untag =
  (name: string): Decide<TagAnswer> =>
  (view, context) =>
    untagVersion(view, context, { namespace: 'default', jobId: 'web', name });
const versions = (count: number): Given => {
  const story = given();
  for (let n = 0; n < count; n++) story.and(registered(jobSpec({ count: n + 1 })));
  return story;
};

describe('a version tag', () => {
  it('names a version', () => {
    versions(2)
      .when(tag())
      .thenAppended(event(job, 'JobVersionTagged', { version: 0, name: 'golden', description: 'the one' }))
      .thenAnswered({ name: 'golden', description: 'the one', taggedTime: START + 2_000_000 });
  });

  it('names the latest version where that is asked for', () => {
    versions(3)
      .when(tag({ latest: true }))
      .thenAppended(event(job, 'JobVersionTagged', { version: 2 }));
    versions(3)
      .when(tag({ latest: true, version: 3 }))
      .thenRejected('tag-latest-with-version', '3');
  });

  it('gets a new description when it is set again', () => {
    versions(1)
      .and(tag())
      .when(tag({ description: 'still' }))
      .thenAppended(event(job, 'JobVersionTagged', { description: 'still' }));
  });

  it('keeps its version beyond the six that are kept otherwise', () => {
    const story = versions(1).and(tag());
    for (let n = 1; n <= 8; n++) story.and(registered(jobSpec({ count: n + 1 })));
    expect(story.state<JobState>(job).versions.map(({ version }) => version)).toEqual([8, 7, 6, 5, 4, 3, 0]);
  });

  it('is not for another version as well', () => {
    versions(2)
      .and(tag())
      .when(tag({ version: 1 }))
      .thenRejected('tag-is-taken', '{"jobId":"web","name":"golden"}');
  });

  it('is not for a version that is not there', () => {
    given().when(tag()).thenRejected('tag-version-not-found', '{"jobId":"web","version":0}');
    versions(1)
      .when(tag({ version: 9 }))
      .thenRejected('tag-version-not-found', '{"jobId":"web","version":9}');
  });

  it('may come with a long story', () => {
    const story = versions(1).and(tag({ description: 'x'.repeat(1001) }));
    expect(story.state<JobState>(job).versions[0]?.versionTag?.Description).toHaveLength(1001);
  });

  it('takes its version along when only it kept that', () => {
    const story = versions(1).and(tag({ version: 0 }));
    for (let n = 1; n <= 6; n++) story.and(registered(jobSpec({ count: n + 1 })));
    story.when(untag('golden')).thenAppended(event(job, 'JobVersionUntagged', { version: 0, forgotten: true }));
    expect(
      story
        .and(untag('golden'))
        .state<JobState>(job)
        .versions.map(({ version }) => version),
    ).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it('can be taken away, once', () => {
    const story = versions(1).and(tag());
    story
      .when(untag('golden'))
      .thenAppended(event(job, 'JobVersionUntagged', { version: 0 }))
      .thenAnswered({ name: '', description: '', taggedTime: 0 });
    story.and(untag('golden')).when(untag('golden')).thenRejected('tag-not-found', '{"jobId":"web","name":"golden"}');
  });
});
