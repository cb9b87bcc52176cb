// Numbers of a driver's configuration print as they were sent, and sending them again makes no version.
import { testCase, id, check, get, put } from './lib.mjs';
testCase('C50 number literals', async ({ use }) => {
  const J = use(id('c50'));
  const config = '{"image":"x","ratio":1.0,"big":9007199254740993,"exp":1e3,"list":[0.50,2]}';
  const body = `{"Job":{"ID":"${J}","Datacenters":["nowhere"],"TaskGroups":[{"Name":"g","Tasks":[{"Name":"t","Driver":"docker","Config":${config}}]}]}}`;
  const first = await put('/v1/jobs', body);
  check('accepted', first.status, 200);
  const { text } = await get(`/v1/job/${J}`);
  check('as they were sent', text.includes(`"Config":${config}`), true);
  await put('/v1/jobs', body);
  check('no version by the same job', (await get(`/v1/job/${J}`)).json.Version, 0);
  const other = await put(
    `/v1/job/${J}/plan`,
    `${body.replace('"ratio":1.0', '"ratio":2.0').slice(0, -1)},"Diff":true}`,
  );
  check('a plan tells the literal', /"Old":"1\.0"/.test(other.text) && /"New":"2\.0"/.test(other.text), true);
});
