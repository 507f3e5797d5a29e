// The same app under CRIU: the criu that $CRIU names or PATH has, if there is one.
import { execa, execaSync } from 'execa';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { readDefinition } from '../launcher/definition/read.js';
import { ThawError } from '../launcher/errors.js';
import { output } from './command.js';
import { Instance, type FirstAnswer, type Start } from './instance.js';
import { definitionPath } from './paths.js';
import { coldStart } from './start.js';
import type { Subject } from './subjects.js';

/** The app's output goes to /dev/null: CRIU refuses files that have grown since. */
const LOG = '/dev/null';
const SHARED = ['--shell-job', '--tcp-established', '--ext-unix-sk', '--file-locks', '-v1'];
const WAIT_MS = 5000;
const RESTORE_SECONDS = 60;

/** @returns the criu to use and its version; undefined if there is none that starts */
export function findCriu(): { program: string; version: string } | undefined {
  const program = process.env['CRIU'] ?? 'criu';
  const { failed, stdout } = execaSync(program, ['--version'], { reject: false });
  return failed ? undefined : { program, version: /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'unknown' };
}

/** A subject, warmed up as its profile says and dumped by CRIU. */
export class CriuImage {
  private constructor(
    readonly subject: Subject,
    readonly folder: string,
    readonly criu: string,
    readonly pid: number,
  ) {}

  /** @throws ThawError with what criu said */
  static async make(subject: Subject, folder: string, criu: string): Promise<CriuImage> {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const instance = await Instance.start(coldStart(subject, LOG), subject.first(1));
    const { pid } = instance;
    try {
      await warmUp(subject, pid);
      // In the app's own network namespace: else CRIU would dump the namespace too, which takes longer to restore.
      output(['nsenter', '-t', String(pid), '-n', criu, 'dump', '-t', String(pid), '-D', folder, ...SHARED]);
    } finally {
      await instance.end();
    }
    return new CriuImage(subject, folder, criu, pid);
  }

  /** Restores it with all of its memory, and takes the time until its first answer. */
  async firstAnswer(n: number): Promise<FirstAnswer> {
    return this.#restore(n, []);
  }

  /** The same with --lazy-pages. The daemon that gives the pages is there before the clock runs. */
  async firstAnswerLazily(n: number): Promise<FirstAnswer> {
    const daemon = execa(this.criu, ['lazy-pages', '-D', this.folder, '-W', this.folder, '-v1'], {
      stdio: 'ignore',
      reject: false,
    });
    try {
      await appears(join(this.folder, 'lazy-pages.socket'));
      return await this.#restore(n, ['--lazy-pages', '-W', this.folder]);
    } finally {
      daemon.kill('SIGKILL');
      await daemon;
      rmSync(join(this.folder, 'lazy-pages.socket'), { force: true });
    }
  }

  async #restore(n: number, options: readonly string[]): Promise<FirstAnswer> {
    const restore: Start = {
      ...coldStart(this.subject, LOG),
      command: [this.criu, 'restore', '-D', this.folder, ...SHARED, ...options],
      timeoutSeconds: RESTORE_SECONDS,
    };
    const instance = await Instance.start(restore, this.subject.first(n));
    try {
      return instance.first;
    } finally {
      await instance.end();
      await this.#endApp();
    }
  }

  /** The app is in a session of its own, so it may live on after `criu restore` has ended. */
  async #endApp(): Promise<void> {
    for (let waited = 0; existsSync(`/proc/${this.pid}`) && waited < WAIT_MS; waited += 5) {
      try {
        process.kill(this.pid, 'SIGKILL');
      } catch {
        return;
      }
      await setTimeout(5);
    }
  }
}

async function warmUp({ profile }: Subject, pid: number): Promise<void> {
  const { warmup } = readDefinition(definitionPath(profile));
  for (const command of warmup.run) output(['nsenter', '-t', String(pid), '-n', 'sh', '-c', command]);
  await setTimeout(warmup.settleMs);
}

async function appears(path: string): Promise<void> {
  for (let waited = 0; waited < WAIT_MS; waited += 5) {
    if (existsSync(path)) return;
    await setTimeout(5);
  }
  throw new ThawError(`criu lazy-pages has not made ${path}`);
}
