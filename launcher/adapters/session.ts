// An app that runs with an adapter: from the variables that load it to the address of its struct thaw_call.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import type { Variables } from '../app/setting.js';
import { native } from '../engine/index.js';
import { ThawError } from '../errors.js';
import type { Adapter } from './adapter.js';
import { codeOf } from './code.js';
import { type AdapterName, adapters } from './index.js';

/** SIGSTKFLT, as THAW_SIGNAL in native/include/thaw.h. */
const SIGNAL = 16;
/** For the app's main thread to get out of what it does, and for the app's hooks. */
const ANSWER_MS = 5_000;
const LOOK_MS = 2;
/** Bytes of struct thaw_call, behind which the adapter writes its mark. */
const CALL_SIZE = 40n;
/** The mark is the key with each byte changed by this: so that no copy of the key is taken for it. */
const CHANGED_BY = 0x5a;

/** What an adapter tells when it waits for the checkpoint. */
export interface Answer {
  /** Of its struct thaw_call, in hexadecimal. */
  readonly address: string;
  /** What it has found and cannot put right in a launch; '' is nothing. */
  readonly unmended: string;
}

export class AdapterSession {
  readonly #folder = mkdtempSync(join(tmpdir(), 'thaw-adapter-'));
  readonly #key = randomBytes(24);
  readonly #code = join(this.#folder, 'code');
  /** Where the adapter answers: a file, which every runtime can write. */
  readonly #answers = join(this.#folder, 'answers');

  /** The code is copied: the app may be another user, who cannot read thaw's own folder. */
  constructor(readonly name: AdapterName) {
    chmodSync(this.#folder, 0o755);
    mkdirSync(this.#answers);
    chmodSync(this.#answers, 0o777);
    cpSync(codeOf(name), this.#code, { recursive: true });
  }

  /** Patterns of what is no input: the adapter's own files, which are gone when the app is launched, and noise. */
  get ignored(): readonly string[] {
    return [`${this.#folder}*`, ...(this.#adapter.noise ?? [])];
  }

  get settles(): boolean {
    return this.#adapter.settles === true;
  }

  get #adapter(): Adapter {
    return adapters[this.name];
  }

  /** The app's environment with what loads the adapter. */
  env(env: Variables): Variables {
    const told = { THAW_ADAPTER: this.#answers, THAW_ADAPTER_KEY: this.#key.toString('hex') };
    return { ...env, ...this.#adapter.env(this.#code, env), ...told };
  }

  /**
   * Has the adapter of process `pid` call for its checkpoint.
   * @throws ThawError when it does not: then it never will
   */
  async call(pid: number, signal: AbortSignal): Promise<Answer> {
    if (!handles(pid)) throw new NoAnswer(`the ${this.name} adapter was not loaded`);
    process.kill(pid, SIGNAL);
    const end = performance.now() + (this.#adapter.answerMs ?? ANSWER_MS);
    while (!existsSync(join(this.#answers, 'answer')) && performance.now() < end)
      await setTimeout(LOOK_MS, undefined, { signal });
    const [state = '', unmended = ''] = this.#closed().split('\n');
    return { address: this.#addressIn(pid, state), unmended };
  }

  /** The answer. A late one would have the app wait for a checkpoint in its image: it finds no folder any more. */
  #closed(): string {
    const closed = join(this.#folder, 'closed');
    renameSync(this.#answers, closed);
    const answer = join(closed, 'answer');
    return existsSync(answer) ? readFileSync(answer, 'utf8').trim() : '';
  }

  #addressIn(pid: number, answer: string): string {
    if (answer === '')
      throw new NoAnswer(
        `the ${this.name} adapter did not answer: the main thread is not in ${this.name} code`,
      );
    if (answer !== 'waiting')
      throw new ThawError(`the ${this.name} adapter: ${answer}`, { remedy: 'set adapter = "none"' });
    const mark = Buffer.from(this.#key.map((byte) => byte ^ CHANGED_BY)).toString('hex');
    const [found, ...more] = native.findBytes(pid, mark);
    if (found === undefined || more.length > 0)
      throw new ThawError(
        `the mark of the ${this.name} adapter was found ${found === undefined ? 'nowhere' : 'twice'}`,
        {
          remedy: 'set adapter = "none"',
        },
      );
    return (BigInt(`0x${found}`) - CALL_SIZE).toString(16);
  }

  /** The code is no part of the device: what the app has mapped of it becomes a part of the image. */
  takeBack(): void {
    rmSync(this.#code, { recursive: true });
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Without this adapter, the app is as it would be with none. */
export class NoAnswer extends ThawError {
  constructor(message: string) {
    super(message, { remedy: 'set adapter = "none" in the profile, and see docs/adapters.md' });
  }
}

/** Whether the process has a handler for the adapters' signal: the default would end it. */
function handles(pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${caught}`) >> BigInt(SIGNAL - 1)) & 1n) === 1n;
}
