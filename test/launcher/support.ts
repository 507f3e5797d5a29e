// A folder with a store and small Python apps, for tests of the thaw command.
import type { ExecutionContext } from 'ava';
import { type SpawnSyncReturns, execFileSync, spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { type CheckpointOptions, native } from '../../launcher/engine/index.js';
import { callerAccount } from '../../launcher/app/account.js';
import { minimalEnvironment } from '../../launcher/app/setting.js';
import { cli, thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';

/** One on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The environment that profiles are built with: launches with another one are cold where that matters. */
export const builtWith = minimalEnvironment(callerAccount());

/** The interpreter itself: what PATH has may be a shell script that looks for it, with children of its own. */
export const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();

/**
 * What the profiles of these tests run: prints, does what the test wants, waits for the file `go`, prints again. It looks for
 * it many times while it settles, on a busy machine too: else the file, once it is there, is an input that has changed.
 */
const head = `import os, socket, sys, time
def wait_for(name):
    while not os.path.exists(name): time.sleep(0.001)
def notify(text):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.sendto(text.encode(), os.environ['NOTIFY_SOCKET'])
    s.close()
print('warming', flush=True)
`;
const tail = `
print('warm', flush=True)
wait_for('go')
print('done', flush=True)
`;

export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'thaw-launcher-'));
  readonly store = join(this.folder, 'store');

  constructor(t: ExecutionContext) {
    t.teardown(() => {
      // What a launch leaves behind may still write to the store.
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
    });
  }

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** A profile of a Python app that does `work` between its head and its tail. */
  profile(name: string, warmup: string, work = '', more = ''): string {
    this.write(`${name}.py`, head + work + tail);
    return this.write(
      `${name}.toml`,
      `name = "${name}"\nprogram = "${python}"\nargs = ["${name}.py"]\n${more}\n[warmup]\n${warmup}\n`,
    );
  }

  thaw(...args: readonly string[]): SpawnSyncReturns<string> {
    return this.thawWith({}, ...args);
  }

  /** With more variables in its environment. */
  thawWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): SpawnSyncReturns<string> {
    const [command = '', ...rest] = args;
    return spawnSync(process.execPath, [cli, command, '--store', this.store, ...rest], {
      cwd: this.folder,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { ...process.env, ...env },
    });
  }

  /** Launches a program from the store, with `input` as its standard input. */
  run(program: string, args: readonly string[], input: string): SpawnSyncReturns<string> {
    return spawnSync(thawExec, ['--store', this.store, '--', program, ...args], {
      cwd: this.folder,
      encoding: 'utf8',
      input,
      timeout: PATIENCE_MS,
      env: { ...builtWith, THAW_LOG: 'info' },
    });
  }

  /** Launches the app of a profile; `go` exists, so it ends by itself. `wrapper`: a command that executes the one behind it. */
  launch(
    name: string,
    env: Readonly<Record<string, string>> = {},
    wrapper: readonly string[] = [],
  ): SpawnSyncReturns<string> {
    this.write('go', '');
    const command = [...wrapper, thawExec, '--store', this.store, '--', python, `${name}.py`];
    const result = spawnSync(command[0] ?? '', command.slice(1), {
      cwd: this.folder,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { ...builtWith, THAW_LOG: 'warn', ...env },
    });
    rmSync(join(this.folder, 'go'));
    return result;
  }
}

/** Numbers of 7 digits can be told from others; a build raises the limit for a moment where it may. */
function hasLargePids(): boolean {
  const limit = '/proc/sys/kernel/pid_max';
  if (process.getuid?.() !== 0) return false;
  if (Number(readFileSync(limit, 'utf8')) >= 4_194_304) return true;
  try {
    accessSync(limit, constants.W_OK);
    return process.arch !== 'arm';
  } catch {
    return false;
  }
}

/** `thaw build` with a large pid; undefined, and the test has passed, where there is none. */
export function buildWithLargePid(
  t: ExecutionContext,
  workshop: Workshop,
  profile: string,
): SpawnSyncReturns<string> | undefined {
  if (!hasLargePids()) {
    t.log('no pid can be chosen here, or none is large');
    t.pass();
    return undefined;
  }
  const built = workshop.thaw('build', profile);
  t.is(built.status, 0, built.stderr);
  t.notRegex(built.stderr, /too small a number/);
  return built;
}

/** What `sleeperImage` has been made of; a launch of it has to be called the same. */
export const sleeper = ['/bin/sleep', '0.5'] as const;

/** A process of thaw's that sleeps, with no descriptor but /dev/null. */
export function spawnSleeper(args: readonly string[], env: readonly string[] = []): number {
  const nothing = openSync('/dev/null', 'r+');
  try {
    return native.spawn({
      program: sleeper[0],
      args,
      env,
      cwd: '/',
      stdio: [nothing, nothing, nothing],
      setsid: false,
    });
  } finally {
    closeSync(nothing);
  }
}

/** A checkpoint of a process as /proc tells of it. */
export const asFound: Omit<CheckpointOptions, 'pid' | 'image'> = {
  leaveRunning: false,
  policies: [],
  program: '',
  args: [],
  env: [],
  cwd: '',
  anyFolder: true,
  startedWith: [],
  environmentRule: 'image',
  ignoredVariables: [],
  profile: '',
  deliver: false,
  inherit: [],
  guardsOff: [],
};

/** An image of a process that sleeps: the quickest one to have. */
export async function sleeperImage(workshop: Workshop, name = 'sleep.thaw'): Promise<string> {
  const image = join(workshop.folder, name);
  const pid = spawnSleeper(sleeper, ['THAW_TEST_MARK=here']);
  await setTimeout(50); // Its loader shall be done.
  await native.checkpoint({ ...asFound, pid, image });
  await native.wait(pid);
  return image;
}
