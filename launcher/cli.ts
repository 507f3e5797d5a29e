#!/usr/bin/env node
// thaw: for those who make and manage profiles. Devices need thaw-exec only.
import { readFileSync } from 'node:fs';

import { bareParser, parse } from './command.js';
import { ABOUT, COMMANDS, NOTES, type Row } from './command_table.js';
import { UsageError } from './errors.js';
import { main } from './main.js';

/** Says what thaw is and which commands there are, or its version. @throws UsageError for anything else */
function describe(args: readonly string[]): number {
  const parser = bareParser('thaw')
    .usage('COMMAND [options]')
    .description(ABOUT)
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
