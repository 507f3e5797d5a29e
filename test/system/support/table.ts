// Runs in an ARM guest: the table of test apps, each checkpointed and launched there. Prints a line per app:
//   ok NAME | skip NAME REASON | bad NAME REASON
// Usage: table.js BUILD_FOLDER WORK_FOLDER root|user
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { type Row, hazards, rows } from '../../engine/support/rows.js';
import { GuestApp } from './app.js';

const [, , build = '', work = '', identity = 'root'] = process.argv;

/** Empty: all is right. */
async function check(row: Row): Promise<string> {
  const app = new GuestApp(build, work, row.app, row);
  const problem = await app.checkpoint();
  if (problem !== '') return problem;
  const { exit, said } = await app.launch(row.launch?.flags, row.launch?.env);
  return exit === 0 ? '' : `launch: ${exit} ${said}`;
}

const table: readonly Row[] = [...rows, ...hazards.map(({ app }) => ({ app }))];
for (const row of table) {
  if (row.only !== undefined && row.only !== identity) continue;
  if (row.launch?.wrapper !== undefined) continue; // Those are made on the host: here is no terminal to be on.
  if (!existsSync(join(build, 'apps', row.app))) continue; // Variants that are not built for this CPU.
  const problem = await check(row);
  if (problem === '') console.log(`ok ${row.app}`);
  else if (problem.startsWith('SKIP')) console.log(`skip ${row.app} ${problem}`);
  else console.log(`bad ${row.app} ${problem}`);
}
process.exit(0);
