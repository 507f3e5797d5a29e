// How errors are told: `thaw: what`, and under it what to do about it.
import { ThawError, messageOf } from './errors.js';

export function errorReport(error: unknown): string {
  const remedy = error instanceof ThawError ? error.remedy : undefined;
  return `thaw: ${messageOf(error)}\n${remedy === undefined || remedy === '' ? '' : `  ${remedy}\n`}`;
}
