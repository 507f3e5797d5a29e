// What an image keeps of the pid that its app had when it was made, and what to do about it.
import type { ImageIdNotice, ImageProcess } from '../engine/index.js';

export interface Notice {
  readonly text: string;
  readonly remedy: string;
}

/** Places where the pid stands, or may stand, and that a launch leaves as they are. */
export function noticesOf({ pid, idNotices }: ImageProcess): Notice[] {
  return idNotices.filter(({ form }) => form !== 'written pid file').map((notice) => noticeOf(pid, notice));
}

function noticeOf(pid: number, { address, form, count, text }: ImageIdNotice): Notice {
  if (form === 'pid file')
    return {
      text: `${text} holds the pid ${pid} of the warm-up, and a launched app does not write it again`,
      remedy: `[[policies]]\n    type = "file"\n    path = "${text}"\n    action = "pid"`,
    };
  if (form === 'text')
    return {
      text: `the pid ${pid} of the warm-up stands as text in memory, at ${address}: ${JSON.stringify(text)}`,
      remedy:
        'if the app shows or sends it: let the app write it anew after thaw_checkpoint() (native/include/thaw.h)',
    };
  if (count === 0)
    return {
      text: `the warm-up had the pid ${pid}, too small a number to be found in memory: copies of it are not corrected`,
      remedy: KEPT,
    };
  return {
    text:
      `${count} ${count === 1 ? 'number' : 'numbers'} in memory may be the pid ${pid} of the warm-up, or equal it by ` +
      `chance (${form}, the first at ${address}${text === '' ? '' : `, ${text}`}); a launch leaves them as they are`,
    remedy: KEPT,
  };
}

const KEPT =
  'if the app uses a pid that it has kept: build as root (CAP_CHECKPOINT_RESTORE) where /proc/sys/kernel/pid_max is ' +
  'large (4194304), or set launch.keep_pid = true';
