// Run the scheduler of an installed release over cron stores: node jobs.mjs DIST IN.json OUT.json
//
// IN: {name: [job, ...]}. Each list lies in a jobs.json between two sound jobs; a clock is moved on ten minutes at a
// time for four hours. OUT: {name: {started, sound, fired, left, enabled, next, passes}}: whether the scheduler
// started, how often the sound jobs ran (the rarer of the two), how often the others, how many of them the file and the memory hold
// afterwards, and whether the first of them is enabled and has a next run.
import fs from 'node:fs';
import path from 'node:path';
import os from 'node:os';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const [dist, input, output] = process.argv.slice(2);
const isService = (text) => /\b(var CronService = class|class CronService)\b/.test(text) && /async function onTimer\(/.test(text);
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.includes('/openclaw/dist/') || !loaded.source) return loaded;
    const text = loaded.source.toString();
    return isService(text) ? { ...loaded, source: `${text}\nexport { CronService as TheService, onTimer as thePass };\n` } : loaded;
  },
});
const chunk = fs.readdirSync(dist).find((name) => name.endsWith('.js') && isService(fs.readFileSync(path.join(dist, name), 'utf8')));
const { TheService, thePass } = await import(pathToFileURL(path.join(dist, chunk)));

const START = Date.parse('2026-11-29T12:00:30.000Z');
const STEP = 600_000;
const sound = (id) => ({
  id, agentId: 'main', name: id, enabled: true, createdAtMs: START - 86_400_000, updatedAtMs: START - 86_400_000,
  schedule: { kind: 'every', everyMs: STEP, anchorMs: START - 86_400_000 }, sessionTarget: 'isolated', wakeMode: 'now',
  payload: { kind: 'agentTurn', message: 'sound' }, state: {},
});

async function examine(jobs, directory) {
  const storePath = path.join(directory, 'jobs.json');
  fs.writeFileSync(storePath, JSON.stringify({ version: 1, jobs: [sound('before'), ...jobs, sound('after')] }));
  let now = START;
  const runs = new Map();
  const ran = (name) => runs.set(name, (runs.get(name) ?? 0) + 1);
  const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
  const service = new TheService({
    storePath, cronEnabled: true, cronConfig: { maxConcurrentRuns: 8 }, defaultAgentId: 'main', nowMs: () => now, log: quiet,
    resolveSessionStorePath: () => path.join(directory, 'sessions.json'), sessionStorePath: path.join(directory, 'sessions.json'),
    enqueueSystemEvent: (text) => text === 't' && ran('other'), requestHeartbeatNow() {}, requestHeartbeat() {},
    runHeartbeatOnce: async () => ({ status: 'ran', durationMs: 1 }),
    runIsolatedAgentJob: async ({ job, message }) => { ran(message === 'sound' ? job.id : 'other'); return { status: 'ok' }; },
    sendCronFailureAlert: async () => {}, onEvent() {}, cleanupTimedOutAgentRun: async () => {},
  });
  let started = true;
  await service.start().catch(() => { started = false; });
  for (let at = 0; started && at < 24; at++) {
    now += STEP;
    await thePass(service.state).catch(() => {});
  }
  service.stop();
  const others = (list) => (list ?? []).filter((job) => !['before', 'after'].includes(job?.id));
  const held = others(service.state.store?.jobs);
  return {
    started, sound: Math.min(runs.get('before') ?? 0, runs.get('after') ?? 0), fired: runs.get('other') ?? 0,
    left: others(JSON.parse(fs.readFileSync(storePath)).jobs).length, held: held.length,
    enabled: held[0]?.enabled ?? null, next: typeof held[0]?.state?.nextRunAtMs === 'number',
  };
}

const found = {};
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'jobs-'));
for (const [at, [name, jobs]] of Object.entries(JSON.parse(fs.readFileSync(input))).entries()) {
  const directory = path.join(root, String(at));
  fs.mkdirSync(directory);
  found[name] = await examine(jobs, directory);
}
fs.writeFileSync(output, JSON.stringify(found));
process.exit(0);
