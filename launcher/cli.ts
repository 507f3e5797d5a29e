#!/usr/bin/env node
// thaw: for those who make and manage profiles. Devices need thaw-exec only.
import { readFileSync } from 'node:fs';

import type { Command } from './command.js';
import { UsageError } from './errors.js';
import { log } from './log.js';
import { errorReport } from './report.js';

interface Row {
  readonly name: string;
  readonly summary: string;
  /** Loaded when called: `thaw run` shall not wait for what only `thaw build` needs. */
  readonly load: () => Promise<Command>;
}

// prettier-ignore
const COMMANDS: readonly Row[] = [
  { name: 'build', summary: 'start, warm up and checkpoint an app, prove and install its image; or do so in a device\'s root', load: () => import('./commands/build.js') },
  { name: 'train', summary: 'record anew which pages a launch touches', load: () => import('./commands/train.js') },
  { name: 'run', summary: 'become the app of a profile, warm if possible', load: () => import('./commands/run.js') },
  { name: 'list', summary: 'the profiles in the store', load: () => import('./commands/list.js') },
  { name: 'show', summary: 'what an image holds', load: () => import('./commands/show.js') },
  { name: 'verify', summary: 'whether an image can be launched here and now, or fits a device\'s root', load: () => import('./commands/verify.js') },
  { name: 'remove', summary: 'remove profiles with their images', load: () => import('./commands/remove.js') },
  { name: 'gc', summary: 'remove images that nothing uses any more', load: () => import('./commands/gc.js') },
  { name: 'bench', summary: 'how long an installed profile takes to start, cold and warm', load: () => import('./commands/bench.js') },
  { name: 'checkpoint', summary: 'write the image of a running process', load: () => import('./commands/checkpoint.js') },
  { name: 'restore', summary: 'become the process of an image', load: () => import('./commands/restore.js') },
  { name: 'doctor', summary: 'what this device or a process can and cannot do', load: () => import('./commands/doctor.js') },
];

const SUCCESS = 0;
const FAILURE = 1;
const USAGE = 2;

function help(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const commands = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join('');
  return `usage: thaw COMMAND [options]

exec() that skips the warm-up: starts big apps on small Linux devices at once.

${commands}
thaw COMMAND --help says more. The store is --store DIR, else $THAW_STORE, else /var/lib/thaw for root and
\${XDG_STATE_HOME:-~/.local/state}/thaw for others. Exit code: 0 done, 1 failure, 2 wrong usage.
`;
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return `thaw ${(JSON.parse(manifest) as { version: string }).version}\n`;
}

/** Whether --help stands among the command's own arguments, not among those after `--`. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined) throw new UsageError('which command?');
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(help());
    return SUCCESS;
  }
  if (name === '--version') {
    process.stdout.write(version());
    return SUCCESS;
  }
  const row = COMMANDS.find((command) => command.name === name);
  if (row === undefined) throw new UsageError(`there is no command ${name}`);
  const command = await row.load();
  if (!asksForHelp(args)) return command.run(args);
  process.stdout.write(command.help);
  return SUCCESS;
}

function explain(error: unknown, command: string | undefined): number {
  process.stderr.write(errorReport(error));
  if (error instanceof UsageError) {
    const known = COMMANDS.some(({ name }) => name === command);
    process.stderr.write(`  see thaw ${known ? `${command ?? ''} ` : ''}--help\n`);
    return USAGE;
  }
  // Where a mistake of thaw itself happened helps, on request.
  log.debug({ err: error }, 'failed');
  return FAILURE;
}

// A reader that has seen enough, as in `thaw show NAME | head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const args = process.argv.slice(2);
try {
  // Not process.exit(): what is still on its way to a pipe would be cut off.
  process.exitCode = await main(args);
} catch (error) {
  process.exitCode = explain(error, args[0]);
}
