// The machine's cores, which AVA's processes share: AVA starts all tests of a file at once, and several files side by side.
import type { SharedContext } from '@ava/cooperate';
import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';

const cores = availableParallelism();
/** A core in shares. */
const CORE = 3;
/** An app waits a third of its time. */
const APP = 2;
const RETRY_MS = 10;

/** Late: modules that import this one run in guests as well, where there is no AVA. */
async function shared(): Promise<SharedContext> {
  const cooperate = await import('@ava/cooperate');
  return new cooperate.SharedContext('thaw');
}

async function holding<T>(release: () => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    release();
  }
}

/** Runs `work` when no other of this name runs. */
export async function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
  return holding(await (await shared()).createLock(name).acquire(), work);
}

/**
 * In turn, and only one asks at a time: the semaphore's own queue loses waiters when one release is enough for several
 * (@ava/cooperate 1.0.0 takes them off the queue while it walks over it).
 */
function takeShares(amount: number): Promise<() => void> {
  return alone('shares', async () => {
    const semaphore = (await shared()).createSemaphore('cores', cores * CORE);
    for (;;) {
      try {
        return await semaphore.acquireNow(amount);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'SemaphoreDownError') throw error;
        await setTimeout(RETRY_MS);
      }
    }
  });
}

async function withShares<T>(amount: number, work: () => Promise<T>): Promise<T> {
  return holding(await takeShares(amount), work);
}

/** Runs `work`, which keeps `count` cores busy, when they are free; all of them, when there are not so many. */
export function withCores<T>(count: number, work: () => Promise<T>): Promise<T> {
  return withShares(Math.min(count, cores) * CORE, work);
}

/** Runs `work` with one test app when there is room for it. */
export function withRoomForApp<T>(work: () => Promise<T>): Promise<T> {
  return withShares(APP, work);
}
