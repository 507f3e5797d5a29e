// The processes of the machine, as /proc shows them.
import { readFileSync, readdirSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** When it was started, in ticks since the boot, which never changes: with the pid, it names one process. */
  readonly started: number;
}

/** What sysconf(3) answers for _SC_CLK_TCK on all that Linux runs on. */
const TICKS = 100;

export function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => processOf(Number(pid)) ?? []);
}

/** undefined: it has ended. Fields 4 and 22 of /proc/PID/stat, behind the name, which may hold anything (proc(5)). */
export function processOf(pid: number): Process | undefined {
  const stat = procText(`${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(fields[1]), started: Number(fields[19]) };
}

/** Now, as `started` of a process that starts now: a date may be set while processes run. */
export function ticksNow(): number {
  return Number((procText('uptime') ?? '0').split(' ')[0]) * TICKS;
}

/** How old a process is, in seconds. */
export function ageOf({ started }: Process): number {
  return Math.max(0, ticksNow() - started) / TICKS;
}

/** A file in /proc; undefined: it is not there, or not for this user. */
export function procText(name: string): string | undefined {
  try {
    return readFileSync(`/proc/${name}`, 'latin1');
  } catch {
    return undefined;
  }
}
