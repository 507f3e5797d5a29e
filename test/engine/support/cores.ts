// The machine's cores, which AVA's processes share: AVA starts all tests of a file at once, and several files side by side.
import type { ManagedSemaphore, SharedContext } from '@ava/cooperate';
import { availableParallelism } from 'node:os';

const cores = availableParallelism();
/** A core in shares. */
const CORE = 3;
/** An app waits a third of its time. */
const APP = 2;

/** Late: modules that import this one run in guests as well, where there is no AVA. */
async function shared(): Promise<SharedContext> {
  const cooperate = await import('@ava/cooperate');
  return new cooperate.SharedContext('thaw');
}

let shares: Promise<ManagedSemaphore> | undefined;

async function makeShares(): Promise<ManagedSemaphore> {
  return (await shared()).createSemaphore('cores', cores * CORE);
}

/** Runs `work` when no other of this name runs. */
export async function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
  const release = await (await shared()).createLock(name).acquire();
  try {
    return await work();
  } finally {
    release();
  }
}

async function withShares<T>(amount: number, work: () => Promise<T>): Promise<T> {
  shares ??= makeShares();
  const release = await (await shares).acquire(amount);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Runs `work`, which keeps `count` cores busy, when they are free; all of them, when there are not so many. */
export function withCores<T>(count: number, work: () => Promise<T>): Promise<T> {
  return withShares(Math.min(count, cores) * CORE, work);
}

/** Runs `work` with one test app when there is room for it. */
export function withRoomForApp<T>(work: () => Promise<T>): Promise<T> {
  return withShares(APP, work);
}
