// Let an installed release write a series of isolated cron runs: node runs.mjs DIST STORE.json RUNS INTERVAL STATUS
//
// STORE holds conversations. One job whose row has STATUS runs RUNS times, INTERVAL seconds apart by a clock of ours.
// Each run is the release's own: its session made from the job row, saved at its start and 20 s later at its end, and
// the release's sweep of run rows after it. Prints one line of JSON: rows, runs (their rows), copied (those that have
// the status of the job row), conversations.
import fs from 'node:fs';
import { functionsOf, setClock } from './release.mjs';

const [dist, storePath, count, interval, status] = process.argv.slice(2);
const PERSIST = /const persistSessionEntry = async \(\) => (\{\n\t\tif \(isFastTestEnv\)[^]*?\n\t\});/;
const clock = setClock(Date.now() - Number(count) * Number(interval) * 1000);

// 2026.3.28 saves in a closure of the run; it becomes a function of the same parameters that later releases have.
const closure = fs.readdirSync(dist).filter((name) => name.endsWith('.js'))
  .map((name) => fs.readFileSync(`${dist}/${name}`, 'utf8').match(PERSIST)).find(Boolean);
const parameters = '{ cronSession, agentSessionKey, runSessionKey, isFastTestEnv }';
const inserts = closure ? [[
  'async function sweepCronRunSessions(',
  `function createPersistCronSessionEntry(${parameters}) { return async () => ${closure[1]}; }\nasync function sweepCronRunSessions(`,
]] : [];
const release = await functionsOf(dist, {
  update: 'async function updateSessionStore(',
  resolve: 'function resolveCronSession(',
  persist: 'function createPersistCronSessionEntry(',
  sweep: 'async function sweepCronRunSessions(',
}, inserts);

const agentSessionKey = 'agent:main:cron:job';
const log = { info() {}, warn: console.error, error: console.error };
await release.update(storePath, (store) => {
  store[agentSessionKey] = { sessionId: '00000000-0000-4000-8000-000000000000', updatedAt: clock.now, status };
});
for (let number = 0; number < Number(count); number += 1) {
  const due = clock.now;
  const cronSession = release.resolve({ cfg: {}, sessionKey: agentSessionKey, agentId: 'main', nowMs: due, forceNew: true });
  const runSessionKey = `${agentSessionKey}:run:${cronSession.sessionEntry.sessionId}`;
  const save = release.persist({
    cronSession, agentSessionKey, runSessionKey, isFastTestEnv: false, updateSessionStore: release.update,
  });
  await save();
  clock.now = due + 20_000;
  cronSession.sessionEntry.updatedAt = clock.now;
  await save();
  await release.sweep({ sessionStorePath: storePath, log });
  clock.now = due + Number(interval) * 1000;
}
const store = JSON.parse(fs.readFileSync(storePath, 'utf8'));
const runs = Object.keys(store).filter((key) => key.includes(':run:'));
console.log(`RESULT ${JSON.stringify({
  rows: Object.keys(store).length, runs: runs.length, copied: runs.filter((key) => store[key].status === status).length,
  conversations: Object.keys(store).filter((key) => !key.includes(':cron:')).length,
})}`);
process.exit(0);
