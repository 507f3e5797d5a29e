#!/usr/bin/env node
// thaw: for those who make and manage profiles. Devices need thaw-exec only.
import { readFileSync } from 'node:fs';

import { type Command, bareParser, parse } from './command.js';
import { UsageError } from './errors.js';
import { main } from './main.js';

interface Row {
  readonly name: string;
  readonly summary: string;
  /** Loaded when called: `thaw run` shall not wait for what only `thaw build` needs. */
  readonly load: () => Promise<{ readonly default: Command }>;
}

// prettier-ignore
const COMMANDS: readonly Row[] = [
  { name: 'build', summary: 'start, warm up and checkpoint an app, prove and install its image; or do so in a device\'s root', load: () => import('./commands/build.js') },
  { name: 'rebuild', summary: 'build anew the images that launches found out of date', load: () => import('./commands/rebuild.js') },
  { name: 'train', summary: 'record anew which pages a launch touches', load: () => import('./commands/train.js') },
  { name: 'run', summary: 'become the app of a profile, warm if possible', load: () => import('./commands/run.js') },
  { name: 'list', summary: 'the profiles in the store', load: () => import('./commands/list.js') },
  { name: 'show', summary: 'what an image holds', load: () => import('./commands/show.js') },
  { name: 'verify', summary: 'whether an image can be launched here and now, or fits a device\'s root', load: () => import('./commands/verify.js') },
  { name: 'sign', summary: 'sign images, for devices that launch nothing without a signature', load: () => import('./commands/sign.js') },
  { name: 'remove', summary: 'remove profiles with their images', load: () => import('./commands/remove.js') },
  { name: 'gc', summary: 'remove images that nothing uses any more', load: () => import('./commands/gc.js') },
  { name: 'bench', summary: 'how long an installed profile takes to start, cold and warm', load: () => import('./commands/bench.js') },
  { name: 'checkpoint', summary: 'write the image of a running process', load: () => import('./commands/checkpoint.js') },
  { name: 'restore', summary: 'become the process of an image', load: () => import('./commands/restore.js') },
  { name: 'doctor', summary: 'what this device or a process can and cannot do', load: () => import('./commands/doctor.js') },
];

const NOTES = `
thaw COMMAND --help says more. The store is --store DIR, else $THAW_STORE, else /var/lib/thaw for root and
\${XDG_STATE_HOME:-~/.local/state}/thaw for others. Exit code: 0 done, 1 failure, 2 wrong usage.`;

/** Says what thaw is and which commands there are, or its version. @throws UsageError for anything else */
function describe(args: readonly string[]): number {
  const parser = bareParser('thaw')
    .usage('COMMAND [options]')
    .description('exec() that skips the warm-up: starts big apps on small Linux devices at once.')
    .version(`thaw ${version()}`, '--version', 'say which version this is')
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .helpCommand(false)
    .addHelpText('after', NOTES);
  for (const { name, summary } of COMMANDS) parser.command(name).summary(summary);
  parse(parser, args);
  return 0;
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

async function run(name: string | undefined, args: readonly string[], row: Row | undefined): Promise<number> {
  if (name === undefined) throw new UsageError('which command?');
  if (name === 'help') return describe(['--help']);
  if (name.startsWith('-')) return describe([name]);
  if (row === undefined) throw new UsageError(`there is no command ${name}`);
  return (await row.load()).default.call(`thaw ${name}`, args);
}

const [name, ...args] = process.argv.slice(2);
const row = COMMANDS.find((command) => command.name === name);
await main(row === undefined ? 'thaw' : `thaw ${row.name}`, () => run(name, args, row));
