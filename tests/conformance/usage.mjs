// Run the usage code of an installed release over transcripts: node usage.mjs DIST AGENT CONFIG.json
//
// The state directory comes from the environment. Prints one line of JSON: the exported functions that were found,
// and for each step {ms, cpuMs, maxDelayMs}: `call` is what one sessions.usage call does in 3.28 and 4.25 (discover,
// then sum the newest 50), `refresh` what the background refresh of 5.22 does for them, `again` the same a second
// time, `append` after one usage line was added to each file.
import fs from 'node:fs';
import path from 'node:path';
import { registerHooks } from 'node:module';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';

const [dist, agentId, configPath] = process.argv.slice(2);
const LIMIT = 50;
const NAMES = ['discoverAllSessions', 'loadSessionCostSummary', 'refreshCostUsageCache', 'loadSessionCostSummaryFromCache'];
const isUsage = (text) => /async function loadSessionCostSummary\(/.test(text) && /async function discoverAllSessions\(/.test(text);
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.includes('/openclaw/dist/') || !loaded.source) return loaded;
    const text = loaded.source.toString();
    if (!isUsage(text)) return loaded;
    const found = NAMES.filter((name) => new RegExp(`function ${name}\\(`).test(text) || new RegExp(`as ${name}\\b`).test(text));
    return { ...loaded, source: `${text}\nexport const theUsage = { ${found.join(', ')} };\n` };
  },
});
const chunk = fs.readdirSync(dist).find((name) => /\.m?js$/.test(name) && isUsage(fs.readFileSync(path.join(dist, name), 'utf8')));
const { theUsage } = await import(pathToFileURL(path.join(dist, chunk)));
const config = JSON.parse(fs.readFileSync(configPath, 'utf8'));
const sessions = path.join(process.env.OPENCLAW_STATE_DIR, 'agents', agentId, 'sessions');

async function timed(work) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 50));
  delay.reset();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const turns = performance.nodeTiming.uvMetricsInfo.loopCount;
  await work();
  const ms = performance.now() - start;
  const turnsTaken = performance.nodeTiming.uvMetricsInfo.loopCount - turns;
  const used = process.cpuUsage(cpu);
  await new Promise((resolve) => setTimeout(resolve, 50));
  delay.disable();
  return { ms, cpuMs: (used.user + used.system) / 1000, maxDelayMs: delay.max / 1e6, turns: turnsTaken };
}

async function call() {
  const found = await theUsage.discoverAllSessions({ agentId, startMs: 0, endMs: Date.now() });
  for (const each of found.slice(0, LIMIT)) {
    await theUsage.loadSessionCostSummary({ sessionId: each.sessionId, sessionFile: each.sessionFile, config, agentId });
  }
}

const files = () => fs.readdirSync(sessions).filter((name) => name.endsWith('.jsonl')).map((name) => path.join(sessions, name));
const refresh = () => theUsage.refreshCostUsageCache({ config, agentId, sessionFiles: files() });
const result = { functions: Object.keys(theUsage), call: await timed(call) };
if (theUsage.refreshCostUsageCache) {
  result.refresh = await timed(refresh);
  result.again = await timed(refresh);
  for (const file of files()) {
    const last = fs.readFileSync(file, 'utf8').trimEnd().split('\n').at(-1);
    fs.appendFileSync(file, `${last}\n`);
  }
  // A call in 5.22: discover, then the newest 50 from the cache, twelve at a time, without asking for a refresh.
  result.cached = await timed(async () => {
    const found = (await theUsage.discoverAllSessions({ agentId, startMs: 0, endMs: Date.now() })).slice(0, LIMIT);
    const next = async () => {
      for (let each = found.pop(); each; each = found.pop()) {
        await theUsage.loadSessionCostSummaryFromCache({ sessionId: each.sessionId, sessionFile: each.sessionFile, config, agentId, requestRefresh: false });
      }
    };
    await Promise.all(Array.from({ length: 12 }, next));
  });
  result.append = await timed(refresh);
  // Every agent of the directory at once, as calls for several agents ask for it.
  const agents = fs.readdirSync(path.join(process.env.OPENCLAW_STATE_DIR, 'agents'));
  for (const each of agents) fs.rmSync(path.join(process.env.OPENCLAW_STATE_DIR, 'agents', each, 'sessions', '.usage-cost-cache.json'), { force: true });
  result.together = { ...await timed(() => Promise.all(agents.map((each) => theUsage.refreshCostUsageCache({ config, agentId: each })))), agents: agents.length };
}
console.log(`RESULT ${JSON.stringify(result)}`);
process.exit(0);
