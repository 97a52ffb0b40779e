// Let an installed release keep its registry of subagent sessions: node registry.mjs DIST SESSIONS PACE LENGTH
//
// SESSIONS sessions of spawn mode "session", one every PACE seconds by a clock of ours, each ends well after LENGTH
// seconds. The registry's own sweep runs every minute, until an hour after the last end; the gateway's answers to it
// are ours. Prints one line of JSON: peak and left (records in runs.json), finished (those of left that are cleaned
// up), recordBytes, saves, and saved (records written by all saves together).
import fs from 'node:fs';
import path from 'node:path';
import { functionsOf, setClock } from './release.mjs';

const [dist, ...numbers] = process.argv.slice(2);
const [sessions, pace, length] = numbers.map(Number);
const clock = setClock(Date.now());
const ends = new Map();
const sizes = [];
globalThis.theSaves = sizes;
globalThis.theGateway = async ({ method, params }) => {
  if (method === 'agent.wait') return new Promise((resolve) => ends.set(params.runId, resolve));
  return method === 'chat.history' ? { messages: [{ role: 'assistant', content: [{ type: 'text', text: 'done' }] }] } : { status: 'ok', runId: 'told' };
};
const release = await functionsOf(dist, {
  register: 'function registerSubagentRun(',
  sweep: 'async function sweepSubagentRuns(',
  context: 'function registerAgentRunContext(',
}, [
  ['async function callGateway(opts) {', 'async function callGateway(opts) { return globalThis.theGateway(opts);'],
  ['function saveSubagentRegistryToDisk(runs) {', 'function saveSubagentRegistryToDisk(runs) { globalThis.theSaves.push(runs.size);'],
]);
const file = path.join(process.env.OPENCLAW_STATE_DIR, 'subagents', 'runs.json');
const records = () => (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).runs : {});

function spawn(number) {
  const runId = `run-${number}`;
  release.context(runId, { sessionKey: `agent:main:subagent:${number}` });
  release.register({
    runId, childSessionKey: `agent:main:subagent:${number}`, requesterSessionKey: 'agent:main:main', requesterDisplayKey: 'main',
    task: 'look at the ticket', cleanup: 'keep', spawnMode: 'session', expectsCompletionMessage: false,
  });
}

// The clean-up after an end takes turns of its own; it is over when the record says so.
async function end(number) {
  ends.get(`run-${number}`)({ status: 'ok', startedAt: clock.now - length * 1000, endedAt: clock.now });
  for (let turn = 0; turn < 400 && !records()[`run-${number}`]?.cleanupCompletedAt; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const start = clock.now;
let [spawned, ended, peak, recordBytes] = [0, 0, 0, 0];
for (let second = 0; second <= sessions * pace + length + 3600; second += 10) {
  clock.now = start + second * 1000;
  if (spawned < sessions && second === spawned * pace) spawn(spawned++);
  await new Promise((resolve) => setImmediate(resolve));
  if (ended < spawned && second === ended * pace + length) {
    await end(ended++);
    const count = Object.keys(records()).length;
    recordBytes = fs.statSync(file).size / count;
    peak = Math.max(peak, count);
  }
  if (second % 60 === 0) await release.sweep();
}
const left = records();
console.log(`RESULT ${JSON.stringify({
  peak, left: Object.keys(left).length, finished: Object.values(left).filter((each) => each.cleanupCompletedAt).length,
  recordBytes, saves: sizes.length, saved: sizes.reduce((sum, size) => sum + size, 0),
})}`);
process.exit(0);
