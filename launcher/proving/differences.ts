// What a launched app answers otherwise than one that was started cold.
import type { Outcome } from '../app/exercise.js';
import type { HttpAnswer } from './http_date.js';

/** One instance of an app, as the commands that exercise it found it. */
export interface Shown {
  readonly pid: number;
  readonly answers: readonly Outcome[];
  /** Milliseconds since 1970 when the last answer was there. */
  readonly at: number;
}

export interface Difference {
  readonly what: string;
  readonly remedy: string;
  /** It may be meant: counters count, and what the warm-up has done is done. */
  readonly harmless: boolean;
}

const DATE = /^(?:< )?date: (.*GMT)\r?$/gim;
/** Headers have whole seconds, and a server may take one anew only once a second. */
export const DATE_TOLERANCE_MS = 2500;
const LATE_REMEDY =
  'the app keeps the time for up to a second: set settle = "1200ms" in [warmup], so that it has dropped it; if it ' +
  'adds its own clock to the time of its start, set clocks = "jump"';

/** `strict`: the commands are there to be compared, so that other output is an error. */
export function differences(
  commands: readonly string[],
  cold: Shown,
  warm: Shown,
  strict: boolean,
): Difference[] {
  return commands.flatMap((command, i) => {
    const [was, is] = [cold.answers[i], warm.answers[i]];
    if (was === undefined || is === undefined) return [];
    const found = differenceOf(command, was, is, cold, warm, strict);
    return found === undefined ? [] : [found];
  });
}

/** What the headers say that no command shows. `cold`: those of an app that was started cold, if it has any. */
export function lateHeaders(port: number, cold: HttpAnswer | undefined, warm: HttpAnswer): Difference[] {
  if (!isLate(header(warm), warm.at) || (cold !== undefined && isLate(header(cold), cold.at))) return [];
  const what = `port ${port} shows the time of the build: ${header(warm)}`;
  return [{ what, remedy: LATE_REMEDY, harmless: false }];
}

function header({ date = '' }: HttpAnswer): string {
  return `Date: ${date}`;
}

function differenceOf(
  command: string,
  was: Outcome,
  is: Outcome,
  cold: Shown,
  warm: Shown,
  strict: boolean,
): Difference | undefined {
  const told = `the command \`${command}\``;
  if (isLate(is.output, warm.at) && !isLate(was.output, cold.at))
    return {
      what: `${told} shows the time of the build: ${line(DATE, is.output)}`,
      remedy: LATE_REMEDY,
      harmless: false,
    };
  if (was.code === is.code && was.output === is.output) return undefined;
  const [before, after] = comparable(was.output, cold.pid, is.output, warm.pid);
  if (before.includes(PID) && !after.includes(PID))
    return {
      what: `${told} shows another pid than the launched app's, ${warm.pid}: ${unlike(before, after)}`,
      remedy:
        'the app keeps the pid that it had in the build: let it ask getpid() each time, or set launch.keep_pid = true',
      harmless: false,
    };
  if (was.code === is.code && before === after) return undefined;
  if (was.code !== is.code)
    return {
      what: `${told} ends with ${was.code ?? 'a signal'} after a cold start, and with ${is.code ?? 'a signal'} after a launch`,
      remedy: 'see prove.run in the profile',
      harmless: !strict,
    };
  return {
    what: `${told} says after a launch what it does not after a cold start: ${unlike(before, after)}`,
    remedy: strict
      ? 'correct the app, or name other commands in prove.run of the profile'
      : 'if that is meant, name commands whose output is the same in prove.run of the profile',
    harmless: !strict,
  };
}

const PID = '<pid>';

/** Both without what is another one for each instance. A line that both have has no pid of either: it may have such a number. */
function comparable(was: string, coldPid: number, is: string, warmPid: number): [string, string] {
  const [before, after] = [was.split('\n'), is.split('\n')];
  const without = (lines: string[], others: string[], pid: number): string =>
    lines.map((text, i) => (text === others[i] ? text : withoutOwn(text, pid))).join('\n');
  return [without(before, after, coldPid), without(after, before, warmPid)];
}

function withoutOwn(text: string, pid: number): string {
  return text.replace(DATE, 'date: ...').replace(new RegExp(`\\b${pid}\\b`, 'g'), PID);
}

function isLate(output: string, at: number): boolean {
  return Array.from(output.matchAll(DATE), ([, date = '']) => Date.parse(date)).some(
    (time) => Math.abs(at - time) > DATE_TOLERANCE_MS,
  );
}

function line(pattern: RegExp, output: string): string {
  return output.match(pattern)?.[0].trim() ?? '';
}

/** The first line of `after` that is not in the same place of `before`. */
function unlike(before: string, after: string): string {
  const lines = before.split('\n');
  const found = after.split('\n').find((text, i) => text !== lines[i]) ?? '(it says less)';
  const most = 120;
  return found.length > most ? `${found.slice(0, most)}...` : found;
}
