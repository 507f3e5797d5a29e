// What /proc/PID/status tells of a process (proc_pid_status(5)).
import { readFileSync } from 'node:fs';

/** The first word of a field; '' where the process is gone or has no such field. */
export function statusField(pid: number, name: string): string {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '';
  } catch {
    return '';
  }
}

/** Whether a process is there and has not ended. */
export function isAlive(pid: number): boolean {
  return /^[^ZX]/.test(statusField(pid, 'State'));
}
