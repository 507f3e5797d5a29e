// A cgroup whose memory is limited, on machines with either version of cgroups.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface Hierarchy {
  readonly folder: string;
  /** Files that take the limit: memory, and where the kernel counts it, memory with swap. */
  readonly limits: readonly string[];
}

const hierarchies: readonly Hierarchy[] = [
  { folder: '/sys/fs/cgroup/memory', limits: ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'] },
  { folder: '/sys/fs/cgroup', limits: ['memory.max'] },
];

export class MemoryGroup {
  private constructor(readonly folder: string) {}

  /** @returns undefined where this user can make none */
  static create(name: string, bytes: number): MemoryGroup | undefined {
    for (const { folder, limits } of hierarchies) {
      const group = join(folder, `thaw-test-${name}-${process.pid}`);
      try {
        mkdirSync(group);
      } catch {
        continue;
      }
      const known = limits.filter((file) => existsSync(join(group, file)));
      for (const file of known) writeFileSync(join(group, file), String(bytes));
      if (known.length > 0) return new MemoryGroup(group);
      rmdirSync(group);
    }
    return undefined;
  }

  /** What runs a command within the group. */
  get wrapper(): readonly string[] {
    return ['sh', '-c', 'echo $$ >"$0" && exec "$@"', join(this.folder, 'cgroup.procs')];
  }

  /** Its processes must have ended, or be about to. */
  async remove(): Promise<void> {
    for (let tries = 0; tries < 100; tries++)
      try {
        rmdirSync(this.folder);
        return;
      } catch {
        await sleep(20);
      }
  }
}
