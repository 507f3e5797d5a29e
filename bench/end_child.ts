import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** SIGKILL, and its end; that of one that has ended has been told, and would never be told again. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
