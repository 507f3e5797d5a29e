// Warm when the app has used no CPU for some time.
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';

import { duration } from '../../definition/values.js';
import { triggerKind } from './trigger.js';

const pauseMs = 20;

/** User and system time of the process in clock ticks: fields 14 and 15 of proc_pid_stat(5). */
function cpuTicks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

export const idle = triggerKind({
  value: v.pipe(duration, v.description('the app has used no CPU for this time')),
  async wait(ms, { pid, signal }) {
    let ticks = cpuTicks(pid);
    let since = performance.now();
    while (performance.now() - since < ms) {
      await setTimeout(pauseMs, undefined, { signal });
      const now = cpuTicks(pid);
      if (now === ticks) continue;
      ticks = now;
      since = performance.now();
    }
    return {};
  },
});
