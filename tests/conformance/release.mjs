// Functions of an installed release that its modules keep to themselves, and a clock that this process sets.
import fs from 'node:fs';
import path from 'node:path';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

// `definitions`: by a name of ours, the text that defines a function. `inserts`: [text, other text] pairs replaced in
// every module of the release that has the text. Returns the functions by name; one that no module defines is missing.
export async function functionsOf(dist, definitions, inserts = []) {
  const texts = Object.values(definitions);
  const exported = (text) => Object.entries(definitions)
    .filter(([, definition]) => text.includes(definition))
    .map(([name, definition]) => `\nexport { ${definition.match(/(\w+)\($/)[1]} as ${name} };`);
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.includes('/openclaw/dist/') || !loaded.source) return loaded;
      let text = loaded.source.toString();
      for (const [old, fresh] of inserts) text = text.replaceAll(old, fresh);
      return { ...loaded, source: text + exported(text).join('') };
    },
  });
  const found = {};
  for (const name of fs.readdirSync(dist)) {
    const file = path.join(dist, name);
    if (!name.endsWith('.js')) continue;
    const text = inserts.reduce((all, [old, fresh]) => all.replaceAll(old, fresh), fs.readFileSync(file, 'utf8'));
    if (!texts.some((definition) => text.includes(definition))) continue;
    const module = await import(pathToFileURL(file));
    for (const key of Object.keys(definitions)) if (module[key]) found[key] ??= module[key];
  }
  return found;
}

// From now on Date tells `clock.now`, in ms since the epoch; timers run as ever.
export function setClock(start) {
  const clock = { now: start };
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...values) {
      if (values.length) super(...values);
      else super(clock.now);
    }
    static now() {
      return clock.now;
    }
  };
  return clock;
}
