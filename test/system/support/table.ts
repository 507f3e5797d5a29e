// Runs in an ARM guest: the table of test apps, each checkpointed and launched there. Prints a line per app:
//   ok NAME | skip NAME REASON | bad NAME REASON
// Usage: table.js BUILD_FOLDER WORK_FOLDER root|user [APP...]
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { type Row, hazards, rows, trees } from '../../engine/support/rows.js';
import { until } from '../../engine/support/process.js';
import { processesOf } from '../../engine/support/tree.js';
import { GuestApp } from './app.js';

const [, , build = '', work = '', identity = 'root', ...only] = process.argv;

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
  if (problem !== '') return problem;
  const { exit, said } = await app.launch(row.launch?.flags, row.launch?.env);
  return exit === 0 ? '' : `launch: ${exit} ${said}`;
}

async function checkTree(app: GuestApp, row: Row): Promise<string> {
  const problem = await check(app, row);
  if (problem !== '') return problem;
  await until('all processes to end', () => processesOf(app.folder).length === 0).catch(() => undefined);
  const left = processesOf(app.folder);
  return left.length === 0 ? '' : `processes that are left: ${left.join(' | ')}`;
}

/** Kernels of 32 bits give out no pid that memory could tell from other numbers: there, a launch has those of the checkpoint. */
function withPids(row: Row): Row {
  if (process.arch !== 'arm') return row;
  return { ...row, [identity === 'root' ? 'pidNamespace' : 'userNamespace']: true };
}

async function report(row: Row, checkRow: typeof check): Promise<void> {
  if (only.length > 0 && !only.includes(row.app)) return;
  if (row.only !== undefined && row.only !== identity) return;
  if (row.launch?.wrapper !== undefined) return; // Those are made on the host: here is no terminal to be on.
  if (!existsSync(join(build, 'apps', row.app))) return; // Variants that are not built for this CPU.
  const problem = await checkRow(new GuestApp(build, work, row.app, row), row);
  if (problem === '') console.log(`ok ${row.app}`);
  else if (problem.startsWith('SKIP')) console.log(`skip ${row.app} ${problem}`);
  else console.log(`bad ${row.app} ${problem}`);
}

for (const row of [...rows, ...hazards.map(({ app }) => ({ app })), ...others]) await report(row, check);
for (const row of trees) await report(withPids(row), checkTree);
process.exit(0);
