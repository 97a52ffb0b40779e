// Update the session store of an installed release row by row: node --expose-gc store.mjs DIST STORE.json ROWS
//
// STORE lies in a state directory (from the environment) whose config sets the cap. Adds ROWS new rows of 30 KB one
// after the other, each twice, as a run that begins and ends does. Prints one line of JSON: passes (saves that wrote
// the file), cpuMs a save, heapBytes that stay alive a save after a full collection, rows at the end.
import fs from 'node:fs';
import path from 'node:path';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const [dist, storePath, count] = process.argv.slice(2);
const isStore = (text) => /async function updateSessionStore\(/.test(text);
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.includes('/openclaw/dist/') || !loaded.source) return loaded;
    const text = loaded.source.toString();
    return isStore(text) ? { ...loaded, source: `${text}\nexport { updateSessionStore as theUpdate };\n` } : loaded;
  },
});
const chunk = fs.readdirSync(dist).find((name) => name.endsWith('.js') && isStore(fs.readFileSync(path.join(dist, name), 'utf8')));
const { theUpdate } = await import(pathToFileURL(path.join(dist, chunk)));
const prompt = 'p'.repeat(30_000);
const written = () => fs.statSync(storePath).ino;

let passes = 0;
async function save(key, sessionId) {
  const before = written();
  const row = { sessionId, updatedAt: Date.now(), skillsSnapshot: { prompt, skills: [] } };
  await theUpdate(storePath, (store) => { store[key] = { ...row }; }, { activeSessionKey: key });
  passes += written() !== before;
}
async function run(number) {
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const key = `agent:main:cron:job:run:${id}`;
  await save(key, id);
  await save(key, id);
}
for (let number = 0; number < 5; number += 1) await run(number);
passes = 0;
global.gc();
const heap = process.memoryUsage().heapUsed;
const cpu = process.cpuUsage();
for (let number = 5; number < 5 + Number(count); number += 1) await run(number);
const used = process.cpuUsage(cpu);
global.gc();
const saves = 2 * Number(count);
console.log(`RESULT ${JSON.stringify({
  passes, saves, cpuMs: (used.user + used.system) / 1000 / saves, heapBytes: (process.memoryUsage().heapUsed - heap) / saves,
  rows: Object.keys(JSON.parse(fs.readFileSync(storePath, 'utf8'))).length,
})}`);
process.exit(0);
