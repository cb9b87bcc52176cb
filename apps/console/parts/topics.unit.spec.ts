import { topicsIn, topicsText } from './topics.ts';

describe('topics of a webhook in a field', () => {
  it('are keys by topic, a key may have colons, and a name of the language is a topic like any other', () => {
    expect(topicsIn(' Deployment, Job:web Job:a:b')).toEqual({ Deployment: ['*'], Job: ['web', 'a:b'] });
    expect(Object.entries(topicsIn('__proto__:x constructor'))).toEqual([
      ['__proto__', ['x']],
      ['constructor', ['*']],
    ]);
    expect(topicsIn('')).toEqual({});
  });

  it('of which one is all of a topic stay all of it when they are sent as they were shown', () => {
    expect(topicsText({ Job: ['web', '*'], Node: [], '*': ['*'] })).toBe('Job Node *');
    expect(topicsIn('Job:web Job')).toEqual({ Job: ['web', '*'] });
    expect(topicsIn(topicsText({ Job: ['web', '*'], Deployment: ['web'] }))).toEqual({
      Job: ['*'],
      Deployment: ['web'],
    });
  });
});
