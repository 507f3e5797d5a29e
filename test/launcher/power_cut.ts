// A disk that keeps record of what is written to it (test/apps/recording_disk.c), and what a power cut at any moment leaves of it:
// all that was written before the last flush, and of what came later, any part.
import type { ExecutionContext } from 'ava';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { apps } from '../engine/support/paths.js';

/** What a drive writes at once, whatever happens. */
const BLOCK = 4096;

interface Entry {
  /** Where its data stands in the record. */
  readonly data: number;
  readonly offset: number;
  /** 0: a flush. */
  readonly size: number;
}

/** Why there is none here; undefined: there can be. */
export function lackingForDisks(): string | undefined {
  if (process.geteuid?.() !== 0) return 'only root may mount';
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse';
  return spawnSync('losetup', ['--find']).status === 0 ? undefined : 'there are no loop devices';
}

function must(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${String(error ?? stderr)}`);
  return stdout.trim();
}

/** An ext4 file system on `file`, mounted at `at`. @returns what undoes that */
function mount(file: string, at: string): () => void {
  const device = must('losetup', '--find', '--show', file);
  try {
    must('mount', device, at);
  } catch (error) {
    must('losetup', '--detach', device);
    throw error;
  }
  return () => {
    must('umount', at);
    must('losetup', '--detach', device);
  };
}

export class RecordedDisk {
  readonly #folder = mkdtempSync(join(tmpdir(), 'thaw-disk-'));
  readonly #shown = join(this.#folder, 'shown');
  readonly #record = join(this.#folder, 'record');
  #unmount: (() => void) | undefined;

  private constructor(
    t: ExecutionContext,
    readonly at: string,
    private readonly bytes: number,
  ) {
    t.teardown(() => {
      this.close();
      spawnSync('umount', [this.#shown]);
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  /** Mounted at `at`. */
  static async make(t: ExecutionContext, at: string, bytes: number): Promise<RecordedDisk> {
    const disk = new RecordedDisk(t, at, bytes);
    await disk.#start();
    return disk;
  }

  async #start(): Promise<void> {
    const file = this.#empty('disk');
    writeFileSync(this.#shown, '');
    const recorder = spawn(join(apps, 'recording_disk'), [file, this.#record, this.#shown], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await Promise.race([once(recorder.stdout, 'data'), once(recorder, 'close')]);
    if (recorder.exitCode !== null) throw new Error('the recording disk does not start');
    recorder.stdout.destroy();
    recorder.unref();
    // What ext4 would write later, by itself, is written at once.
    must('mke2fs', '-q', '-t', 'ext4', '-E', 'nodiscard,lazy_itable_init=0,lazy_journal_init=0', this.#shown);
    mkdirSync(this.at, { recursive: true });
    this.#unmount = mount(this.#shown, this.at);
  }

  #empty(name: string): string {
    const file = join(this.#folder, name);
    writeFileSync(file, '');
    truncateSync(file, this.bytes);
    return file;
  }

  /** The moment: how much was recorded until now. */
  get now(): number {
    return statSync(this.#record).size;
  }

  /** Nothing is recorded any more. */
  close(): void {
    this.#unmount?.();
    this.#unmount = undefined;
  }

  /** Ends of all entries: what lies between two moments is cut there. */
  moments(): readonly number[] {
    return this.#entries().map(({ data, size }) => data + size);
  }

  #entries(): readonly Entry[] {
    const record = openSync(this.#record, 'r');
    const [header, end] = [Buffer.alloc(16), this.now];
    const entries: Entry[] = [];
    for (let at = 0; at < end;) {
      readSync(record, header, 0, header.length, at);
      const [offset, size] = [Number(header.readBigUInt64LE(0)), Number(header.readBigUInt64LE(8))];
      entries.push({ data: at + header.length, offset, size });
      at += header.length + size;
    }
    closeSync(record);
    return entries;
  }

  /** Calls `look` for each of these moments, in their order, with what a cut there leaves of the disk mounted. */
  eachCut(moments: readonly number[], look: (moment: number) => void): void {
    const entries = this.#entries();
    const safe = new Replay(this.#record, this.#empty('safe'));
    const cut = join(this.#folder, 'cut');
    for (const moment of [...moments].sort((a, b) => a - b)) {
      const before = entries.filter(({ data, size }) => data + size <= moment);
      const flushed = before.map(({ size }) => size).lastIndexOf(0);
      safe.until(before.slice(0, flushed + 1));
      copyFileSync(safe.file, cut);
      const lost = new Replay(this.#record, cut);
      for (const entry of before.slice(flushed + 1)) lost.some(entry);
      lost.close();
      const unmount = mount(cut, this.at);
      try {
        look(moment);
      } finally {
        unmount();
      }
    }
    safe.close();
  }
}

/** A disk that is written from a record. */
class Replay {
  readonly #record: number;
  readonly #disk: number;
  #done = 0;

  constructor(
    record: string,
    readonly file: string,
  ) {
    this.#record = openSync(record, 'r');
    this.#disk = openSync(file, 'r+');
  }

  /** All of these; the first ones may have been written before. */
  until(entries: readonly Entry[]): void {
    for (const entry of entries.slice(this.#done)) this.#write(entry, () => true);
    this.#done = entries.length;
  }

  /** Some of its blocks. */
  some(entry: Entry): void {
    this.#write(entry, () => Math.random() < 0.5);
  }

  #write({ data, offset, size }: Entry, kept: () => boolean): void {
    const bytes = Buffer.alloc(size);
    readSync(this.#record, bytes, 0, size, data);
    for (let at = 0; at < size; at += BLOCK)
      if (kept()) writeSync(this.#disk, bytes, at, Math.min(BLOCK, size - at), offset + at);
  }

  close(): void {
    closeSync(this.#record);
    closeSync(this.#disk);
  }
}
