// Runs in an ARM guest: the table of test apps, each checkpointed and launched there. Prints a line per app:
//   ok NAME | skip NAME REASON | bad NAME REASON
// Usage: table.js BUILD_FOLDER WORK_FOLDER root|user
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Row, hazards, rows } from '../../engine/support/rows.js';

interface Native {
  spawn(options: Readonly<Record<string, unknown>>): number;
  wait(pid: number): Promise<{ code: number | null; signal: number | null }>;
  checkpoint(options: Readonly<Record<string, unknown>>): Promise<string>;
}

const [, , build = '', work = '', identity = 'root'] = process.argv;
const native = createRequire(import.meta.url)(join(build, 'thaw.node')) as Native;
const skipStatus = 77;
const readyMs = 60_000;
const endMs = 60_000;

/** A process made by the addon: Node's own would have their ptrace stops reaped by libuv. */
class Running {
  readonly pid: number;
  readonly #errors: string;
  readonly exit: Promise<number | string>;
  ended = false;

  constructor(
    command: readonly string[],
    folder: string,
    what: string,
    env: Readonly<Record<string, string>>,
  ) {
    this.#errors = join(folder, `${what}.err`);
    const files = [
      openSync('/dev/null', 'r'),
      openSync(join(folder, `${what}.out`), 'w'),
      openSync(this.#errors, 'w'),
    ];
    const all = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', THAW_LOG: 'warn', ...env };
    this.pid = native.spawn({
      program: command[0],
      args: command,
      env: Object.entries(all).map(([name, value]) => `${name}=${value}`),
      cwd: '/',
      stdio: files,
      setsid: true,
    });
    files.forEach(closeSync);
    this.exit = native.wait(this.pid).then(({ code, signal }) => {
      this.ended = true;
      return code ?? `signal ${signal ?? '?'}`;
    });
  }

  said(): string {
    return readFileSync(this.#errors, 'utf8').trim().replaceAll('\n', ' | ');
  }

  kill(): void {
    if (!this.ended) process.kill(this.pid, 'SIGKILL');
  }

  async end(): Promise<number | string> {
    const outcome = await Promise.race([this.exit, sleep(endMs, 'still running', { ref: false })]);
    this.kill();
    return outcome;
  }
}

async function ready(status: string, running: Running): Promise<boolean> {
  const end = Date.now() + readyMs;
  while (!existsSync(status) && !running.ended && Date.now() < end) await sleep(5);
  return existsSync(status);
}

/** Empty: all is right. */
async function check(row: Row): Promise<string> {
  const folder = join(work, row.app);
  rmSync(folder, { recursive: true, force: true });
  const scratch = join(folder, 'scratch');
  mkdirSync(scratch, { recursive: true });
  chmodSync(folder, 0o755);
  const [status, go, image] = [join(scratch, '.status'), join(folder, 'go'), join(folder, 'app.thaw')];
  const command = [join(build, 'apps', row.app), status, go, scratch, ...(row.args ?? [])];
  // `clean` closes what the driver leaves open.
  const cold = new Running([join(build, 'apps', 'clean'), ...command], folder, 'cold', row.env ?? {});
  if (!(await ready(status, cold))) {
    const outcome = await cold.end();
    return outcome === skipStatus ? `SKIP ${cold.said()}` : `cold start: ${outcome} ${cold.said()}`;
  }
  await sleep(50); // The app may still be closing the status file.
  try {
    await native.checkpoint({
      pid: cold.pid,
      image,
      leaveRunning: true, // Its end is the driver's: a checkpoint's kill could take the exit status first.
      policies: row.policies ?? [],
      program: '',
      args: [],
      env: [],
      cwd: '/',
      profile: '',
      inherit: [],
      guardsOff: [],
    });
  } catch (error) {
    return `checkpoint: ${String(error)}`;
  } finally {
    cold.kill();
    await cold.end();
  }
  rmSync(status, { force: true });
  const flags = row.launch?.flags ?? ['--no-fallback'];
  const launch = [join(build, 'thaw-exec'), '--image', image, ...flags, '--', ...command];
  const warm = new Running(launch, folder, 'warm', row.launch?.env ?? {});
  await ready(status, warm);
  writeFileSync(go, '');
  const outcome = await warm.end();
  return outcome === 0 ? '' : `launch: ${outcome} ${warm.said()}`;
}

const table: readonly Row[] = [...rows, ...hazards.map(({ app }) => ({ app }))];
for (const row of table) {
  if (row.only !== undefined && row.only !== identity) continue;
  if (!existsSync(join(build, 'apps', row.app))) continue; // Variants that are not built for this CPU.
  const problem = await check(row);
  if (problem === '') console.log(`ok ${row.app}`);
  else if (problem.startsWith('SKIP')) console.log(`skip ${row.app} ${problem}`);
  else console.log(`bad ${row.app} ${problem}`);
}
process.exit(0);
