// Runs in an ARM guest: a table of test apps (of one process, of several), each checkpointed and launched there, or that of what
// is refused there, or that of guards which are switched off there. Prints a line per row:
//   ok NAME | skip NAME REASON | bad NAME REASON
// Usage: table.js BUILD_FOLDER WORK_FOLDER root|user apps|trees|refusals|guards [NAME...]
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { mostChances } from '../../engine/support/app.js';
import { type Refusal, refusals } from '../../engine/support/refused.js';
import { type Hazard, type Row, hazards, rows, trees } from '../../engine/support/rows.js';
import { until } from '../../engine/support/process.js';
import { processesOf } from '../../engine/support/tree.js';
import { GuestApp } from './app.js';

const [, , build = '', work = '', identity = 'root', what = '', ...only] = process.argv;

/** Those that tests of their own launch on the host, as something outlives the app or is to be seen from outside. */
const others: readonly Row[] = [
  { app: 'fd_mqueue', policies: [{ type: 'file', path: '/thaw-test-*', action: 'reopen' }] },
  {
    app: 'memory_posix',
    args: ['/thaw-test'],
    policies: [{ type: 'mapping', path: '/dev/shm/*', action: 'reopen' }],
  },
  { app: 'kept_ids', only: 'root', pidNamespace: true },
  { app: 'user_namespace', only: 'user', userNamespace: true },
];

/** Empty: all is right. */
async function check(app: GuestApp, row: Row): Promise<string> {
  const problem = await app.checkpoint();
  return problem !== '' ? problem : launch(app, row);
}

async function launch(app: GuestApp, row: Row): Promise<string> {
  const { exit, said } = await app.launch(row.launch?.flags, row.launch?.env);
  return exit === 0 ? '' : `launch: ${exit} ${said}`;
}

/** Its memory is copied where chance leaves a static program no room before its heap: it is started again. */
async function checkpointGuarded(app: GuestApp): Promise<string> {
  let problem = await app.checkpoint();
  for (let i = 0; i < mostChances && problem === '' && !app.isGuarded(); i++)
    problem = await app.checkpoint();
  return problem !== '' || app.isGuarded() ? problem : 'its memory is copied';
}

async function checkHazard(app: GuestApp, row: Row): Promise<string> {
  const problem = await checkpointGuarded(app);
  return problem !== '' ? problem : launch(app, row);
}

/** A launch without the guard: the app itself finds the hazard. */
async function checkGuard(app: GuestApp): Promise<string> {
  const problem = await checkpointGuarded(app);
  if (problem !== '') return problem;
  const { exit, said } = await app.launch();
  return exit === 0 || exit === 125 ? `launch: ${exit} ${said}` : '';
}

async function checkTree(app: GuestApp, row: Row): Promise<string> {
  const problem = await check(app, row);
  if (problem !== '') return problem;
  await until('all processes to end', () => processesOf(app.folder).length === 0).catch(() => undefined);
  const left = processesOf(app.folder);
  return left.length === 0 ? '' : `processes that are left: ${left.join(' | ')}`;
}

/** Kernels of 32 bits give out no pid that memory could tell from other numbers: there, a launch has those of the checkpoint. */
const hasLargePids = process.arch !== 'arm';

function inNamespace(row: Row): Row {
  const { app, args = app === 'tree_groups' ? ['namespace'] : [] } = row;
  return { ...row, args, [identity === 'root' ? 'pidNamespace' : 'userNamespace']: true };
}

/** Files in /proc/PID: a launch with a namespace has none. */
async function checkRefusedInNamespace(app: GuestApp): Promise<string> {
  const said = await app.refusal();
  return /a file in \/proc [^]*leave out launch\.pids/.test(said) ? '' : `not refused: ${said}`;
}

async function checkTrees(): Promise<void> {
  for (const row of trees)
    if (hasLargePids) await checkApp(row, checkTree);
    else await checkApp(inNamespace(row), row.app === 'tree_files' ? checkRefusedInNamespace : checkTree);
}

function report(name: string, problem: string): void {
  if (problem === '') console.log(`ok ${name}`);
  else if (problem.startsWith('SKIP')) console.log(`skip ${name} ${problem}`);
  else console.log(`bad ${name} ${problem.replaceAll('\n', ' | ')}`);
}

const isAsked = (name: string): boolean => only.length === 0 || only.includes(name);

async function checkApp(row: Row, checkRow: typeof check): Promise<void> {
  if (!isAsked(row.app)) return;
  if (row.only !== undefined && row.only !== identity) return;
  if (row.launch?.wrapper !== undefined) return; // Those are made on the host: here is no terminal to be on.
  if (!existsSync(join(build, 'apps', row.app))) return; // Variants that are not built for this CPU.
  const name = [row.app, ...(row.guardsOff ?? [])].join(' without ');
  report(name, await checkRow(new GuestApp(build, work, row.app, row), row));
}

async function checkApps(): Promise<void> {
  for (const row of [...rows, ...others]) await checkApp(row, check);
  for (const { app } of hazards) await checkApp({ app }, checkHazard);
}

async function checkGuards(): Promise<void> {
  const named = ({ app, guards }: Hazard): Row[] => guards.map((guard) => ({ app, guardsOff: [guard] }));
  for (const row of hazards.flatMap(named)) await checkApp(row, checkGuard);
}

async function checkRefusal({ app, what, says, never }: Refusal): Promise<string> {
  const said = await new GuestApp(build, work, app, { args: [what] }).refusal();
  if (said.startsWith('SKIP')) return said;
  const missing = says.filter((pattern) => !pattern.test(said));
  if (missing.length > 0) return `does not say ${missing.join(', ')}: ${said}`;
  return never?.test(said) === true ? `says ${String(never)}: ${said}` : '';
}

/** Of an app that thaw has started, as here, the engine says something else (test/launcher/own_settings.test.ts). */
const toldOtherwise = ['bounding', 'groups'];

async function checkRefusals(): Promise<void> {
  for (const row of refusals) {
    if (
      toldOtherwise.includes(row.what) ||
      (row.only ?? identity) !== identity ||
      (row.ofUser === true && identity === 'root')
    )
      continue;
    if (isAsked(row.what)) report(row.what, await checkRefusal(row));
  }
}

const tables = new Map([
  ['apps', checkApps],
  ['trees', checkTrees],
  ['refusals', checkRefusals],
  ['guards', checkGuards],
]);
await tables.get(what)?.();
process.exit(0);
