// Ask an installed release what it thinks of configs: node config.mjs PACKAGE IN.json OUT.json
//
// IN: [config, ...]. Each is written to OPENCLAW_CONFIG_PATH and judged by the release's own `config validate`.
// OUT: [{valid, issues}, ...] in the same order.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [given, input, output] = process.argv.slice(2);
const root = fs.realpathSync(given);
const dist = path.join(root, 'dist');
const load = (file) => import(pathToFileURL(file));
const { Command } = await load(createRequire(path.join(root, 'package.json')).resolve('commander'));
const holder = fs.readdirSync(dist).filter((name) => /\.m?js$/.test(name))
  .find((name) => fs.readFileSync(path.join(dist, name), 'utf8').includes('function registerConfigCli('));
const register = Object.values(await load(path.join(dist, holder))).find((each) => each?.name === 'registerConfigCli');

let told = '';
process.stdout.write = (text, ...rest) => {
  told += text;
  rest.find((each) => typeof each === 'function')?.();
  return true;
};
process.stderr.write = (text, ...rest) => {
  rest.find((each) => typeof each === 'function')?.();
  return true;
};
console.log = (...parts) => { told += `${parts.join(' ')}\n`; };
console.error = console.warn = () => {};
process.exit = () => { throw new Error('left'); };

const answers = [];
for (const config of JSON.parse(fs.readFileSync(input, 'utf8'))) {
  told = '';
  fs.writeFileSync(process.env.OPENCLAW_CONFIG_PATH, JSON.stringify(config));
  const program = new Command().name('openclaw').exitOverride();
  register(program);
  try {
    await program.parseAsync(['node', 'openclaw', 'config', 'validate', '--json']);
  } catch {
    // A config that is refused ends the command.
  }
  // The first document counts: a second one only tells of the end that was held back.
  const at = told.startsWith('{\n') ? told.indexOf('\n}\n') + 2 : told.indexOf('\n');
  const { valid, issues = [] } = JSON.parse(told.slice(0, at));
  answers.push({ valid, issues });
}
fs.writeFileSync(output, JSON.stringify(answers));
process.reallyExit(0);
