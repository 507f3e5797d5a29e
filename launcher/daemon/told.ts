// What the daemon tells: the journal in its own form, with fields, where systemd has started it; else lines on standard error.
// Facts: systemd's "Native Journal Protocol", sd_notify(3).
import { native } from '../engine/index.js';

const JOURNAL = '/run/systemd/journal/socket';

/** As syslog(3) counts them. */
const PRIORITIES = { error: 3, warning: 4, notice: 5, info: 6 } as const;

export type Level = keyof typeof PRIORITIES;

/** Names without THAW_, which the journal shows as THAW_PROFILE=, THAW_REASON= and so on. */
export type Fields = Readonly<
  Partial<Record<'PROFILE' | 'REASON' | 'CONDITION' | 'IMAGE' | 'ERROR', string>>
>;

export type Tell = (level: Level, message: string, fields?: Fields) => void;

/** $JOURNAL_STREAM: standard error leads to the journal (systemd.exec(5)). */
export function teller(environment: NodeJS.ProcessEnv): Tell {
  const lines: Tell = (level, message) => {
    process.stderr.write(`thawd: ${level}: ${message}\n`);
  };
  if (environment['JOURNAL_STREAM'] === undefined) return lines;
  return (level, message, fields = {}) => {
    try {
      native.sendDatagram(JOURNAL, entry(level, message, fields));
    } catch {
      lines(level, message);
    }
  };
}

/** One entry. A newline in a value would need the binary form, whose lengths no text can hold. */
export function entry(level: Level, message: string, fields: Fields): string {
  const all: readonly (readonly [string, string])[] = [
    ['MESSAGE', message],
    ['PRIORITY', String(PRIORITIES[level])],
    ['SYSLOG_IDENTIFIER', 'thawd'],
    ...Object.entries(fields).map(([name, value]) => [`THAW_${name}`, value] as const),
  ];
  return all.map(([name, value]) => `${name}=${value.replaceAll('\n', ' | ')}\n`).join('');
}

/** Tells systemd, where it listens, as `READY=1`. */
export function notify(environment: NodeJS.ProcessEnv, text: string): void {
  const socket = environment['NOTIFY_SOCKET'];
  if (socket === undefined) return;
  try {
    native.sendDatagram(socket, text);
  } catch {
    // Nobody listens any more.
  }
}
