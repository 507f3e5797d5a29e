// An app with more memory than a cgroup lets it have.
import type { ExecutionContext } from 'ava';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { PATIENCE_MS } from '../../patience.js';
import type { App } from './app.js';
import { expectSuccess, withApp } from './check.js';
import { self } from './identity.js';
import { MemoryGroup } from './memory_group.js';

export const sizeMib = 192;
export const limitMib = 48;
const row = { app: 'memory_large', args: [String(sizeMib)] };

async function prepare(app: App): Promise<void> {
  await app.start();
  await app.checkpoint();
  rmSync(app.status, { force: true });
  app.release();
}

/** Does `work` with its image. */
export const withLarge = (t: ExecutionContext, work: (app: App) => Promise<void>): Promise<void> =>
  withApp(t, row, self, async (app) => {
    await prepare(app);
    await work(app);
  });

/** A launch works within the limit, a cold start does not. */
export async function withinMemory(t: ExecutionContext, app: App, timeout = PATIENCE_MS): Promise<void> {
  const group = MemoryGroup.create(app.folder.replaceAll('/', '-'), limitMib << 20);
  if (group === undefined) {
    t.log('no cgroup with a memory limit can be made here');
    t.pass();
    return;
  }
  try {
    writeFileSync(join(app.scratch, 'done'), '');
    const cold = await app.runAs([...group.wrapper, ...app.command], { timeout });
    t.is(cold.signal, 'SIGKILL', `all of it in memory: exit ${cold.code}\n${cold.stderr}`);
    const warm = app.launch({ wrapper: group.wrapper, timeout });
    expectSuccess(t, 'launched', await warm.outcome);
  } finally {
    await group.remove();
  }
}
