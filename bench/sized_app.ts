// An app of the bench's own that comes in many sizes: how a launch's cost grows with one thing, all else being equal.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { callerAccount } from '../launcher/app/account.js';
import { minimalEnvironment } from '../launcher/app/setting.js';
import type { Start } from './instance.js';
import { recordFirstAnswer } from './launch.js';
import { inTurn, type Bench } from './measure.js';
import { launchTraced, recordPhases } from './measures/floor.js';
import { benchProgram } from './paths.js';
import { warmCommand } from './start.js';
import type { Subject } from './subjects.js';
import { Thaw } from './thaw.js';

/** `program PORT SIZE`, of bench/native, which answers each connection with "program SIZE". */
export interface SizedApp {
  readonly measure: string;
  readonly program: string;
  readonly port: number;
  /** What a size counts. */
  readonly unit: string;
}

/** Builds an image of each size, then launches them in turn and records phases, resume and first answer. */
export async function measureSizes(bench: Bench, app: SizedApp, sizes: readonly number[]): Promise<void> {
  const thaw = new Thaw(join(bench.work, `${app.program}-store`));
  for (const size of sizes) {
    bench.say(`building an image of ${size} ${app.unit}`);
    await thaw.buildFrom(writeDefinition(bench, app, size));
  }
  bench.say(`launching images of ${sizes.join(', ')} ${app.unit}`);
  await inTurn(
    bench.rounds * 2,
    sizes.map((size) => (round) => launch(bench, thaw, app, size, round)),
  );
}

/** The phases need a launch of their own: printing them takes time. */
async function launch(bench: Bench, thaw: Thaw, app: SizedApp, size: number, round: number): Promise<void> {
  const one = subject(app, size);
  const start: Start = {
    command: warmCommand(thaw.store, one.profile, command(app, size)),
    cwd: folderOf(bench, app),
    env: minimalEnvironment(callerAccount()), // As at the build.
    port: app.port,
    log: join(bench.work, `${one.profile}.log`),
  };
  const key = { measure: app.measure, subject: app.program, x: size };
  recordPhases(bench, key, await launchTraced(one, start, round));
  const recorded = { ...one, profile: key.subject };
  await recordFirstAnswer(
    bench,
    { measure: app.measure, variant: 'first answer', x: size },
    recorded,
    start,
    round,
  );
}

function folderOf({ work }: Bench, app: SizedApp): string {
  return join(work, app.program);
}

function writeDefinition(bench: Bench, app: SizedApp, size: number): string {
  const folder = folderOf(bench, app);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${size}.toml`);
  const [program = '', ...args] = command(app, size);
  writeFileSync(
    path,
    `name = "${app.program}-${size}"\nprogram = ${JSON.stringify(program)}\nargs = ${JSON.stringify(args)}\n` +
      `[warmup]\nuntil = { port = ${app.port} }\n` +
      `run = ["curl -s --http0.9 -o /dev/null http://127.0.0.1:${app.port}/"]\ntimeout = "300s"\n`,
  );
  return path;
}

function command({ program, port }: SizedApp, size: number): string[] {
  return [benchProgram(program), String(port), String(size)];
}

function subject({ program, port }: SizedApp, size: number): Subject {
  return {
    profile: `${program}-${size}`,
    port,
    first: () => ({ send: 'how much?\r\n', expect: `${program} ${size}\n` }),
    check: () => Promise.resolve(),
  };
}
