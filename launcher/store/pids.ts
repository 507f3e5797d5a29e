// What an image keeps of the pid that its app had when it was made, and what to do about it.
import type { ImageIdNotice, ImageProcess } from '../engine/index.js';

export interface Notice {
  /** Notices of one kind have one remedy. */
  readonly kind: string;
  readonly text: string;
  readonly remedy: string;
}

/** Places where the pid stands, or may stand, and that a launch leaves as they are. */
export function noticesOf(process: ImageProcess, processes: readonly ImageProcess[]): Notice[] {
  return process.idNotices
    .filter(
      ({ form, text }) => form !== 'written pid file' && !(form === 'text' && isOfV8(text, process.pid)),
    )
    .map((notice) => {
      const pid = whose(notice, process, processes);
      return pid === process.pid ? noticeOf(pid, notice) : noticeOfOther(pid, notice);
    });
}

/** Text may be the pid of another process of the app. */
function whose(
  { form, text }: ImageIdNotice,
  process: ImageProcess,
  processes: readonly ImageProcess[],
): number {
  if (form !== 'text') return process.pid;
  return [process, ...processes].find(({ pid }) => text.includes(String(pid)))?.pid ?? process.pid;
}

/** What the builder of the profile `name` is told: the first of each kind, and how many there are. */
export function pidWarnings(name: string, processes: readonly ImageProcess[]): string[] {
  const notices = processes.flatMap((process) => noticesOf(process, processes));
  return [...new Set(notices.map(({ kind }) => kind))].flatMap((kind) => {
    const [first, ...rest] = notices.filter((notice) => notice.kind === kind);
    if (first === undefined) return [];
    const more = rest.length === 0 ? '' : `, and ${rest.length} more (details: thaw show ${name})`;
    return [`${first.text}${more}\n    ${first.remedy}`];
  });
}

/** Names of its logs, and what it puts before lines about its heap: nobody takes a pid from there. */
function isOfV8(text: string, pid: number): boolean {
  return new RegExp(`(?:isolate-0x|^)[0-9a-f]+-(?:${pid}-)?v8\\.log|\\[${pid}:0x`).test(text);
}

function noticeOfOther(pid: number, { address, text }: ImageIdNotice): Notice {
  return {
    kind: 'text of another',
    text: `the pid ${pid} of a process of the app stands as text in the memory of another, at ${address}: ${JSON.stringify(text)}`,
    remedy:
      'if the app sends signals to it or waits for it by that text (a shell keeps $! so), it would hit a stranger: let it start that process after the checkpoint, or set launch.pids = "namespace"',
  };
}

/** From here on ids are told from other numbers (IdScanner::kLeast of the engine). */
const LARGE = 65_536;

function noticeOf(pid: number, { address, form, count, text }: ImageIdNotice): Notice {
  if (form === 'pid file')
    return {
      kind: form,
      text: `${text} holds the pid ${pid} of the warm-up, and a launched app does not write it again`,
      remedy: `[[policies]]\n    type = "file"\n    path = ${JSON.stringify(text.replace(/[*?[\\]/g, '\\$&'))}\n    action = "pid"`,
    };
  if (form === 'text')
    return {
      kind: form,
      text: `the pid ${pid} of the warm-up stands as text in memory, at ${address}: ${JSON.stringify(text)}`,
      remedy:
        'if the app shows or sends it: let the app write it anew after thaw_checkpoint() (native/include/thaw.h)',
    };
  if (count === 0)
    return {
      kind: 'small',
      text: `the warm-up had the pid ${pid}, too small a number to be found in memory: copies of it are not corrected`,
      remedy: kept(),
    };
  if (form === 'clock')
    return {
      kind: form,
      text:
        `${count} ${count === 1 ? 'number' : 'numbers'} in memory may be ${count === 1 ? 'a clock' : 'clocks'} of the CPU time of threads of the warm-up ` +
        `(the first at ${address}${text === '' ? '' : `, ${text}`}), ${pid < LARGE ? 'whose ids were too small to be told from others' : 'or equal one by chance'}; a launch leaves them as they are`,
      remedy:
        'if the app keeps them (pthread_getcpuclockid): let it ask anew after thaw_checkpoint() (native/include/thaw.h), or set launch.keep_pid = true',
    };
  return {
    kind: 'number',
    text:
      `${count} ${count === 1 ? 'number' : 'numbers'} in memory may be the pid ${pid} of the warm-up, or equal it by ` +
      `chance (${form}, the first at ${address}${text === '' ? '' : `, ${text}`}); a launch leaves them as they are`,
    remedy: kept(),
  };
}

/** Root can choose the pid of the warm-up, and has large ones where it can raise the limit for a moment. */
function kept(): string {
  // PID_MAX_LIMIT of 32-bit kernels is 32768.
  if (process.arch === 'arm') return 'if the app uses a pid that it has kept: set launch.keep_pid = true';
  const who = process.geteuid?.() === 0 ? '' : 'as root (CAP_CHECKPOINT_RESTORE) ';
  return (
    `if the app uses a pid that it has kept: build ${who}where /proc/sys/kernel/pid_max is large (4194304) or can be written to, ` +
    'or set launch.keep_pid = true'
  );
}
