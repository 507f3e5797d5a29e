// Progress: lines for people at a terminal, with colours unless they do without, and plain lines for everything else.
import test from 'ava';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { Progress, type StepTime } from '../../launcher/progress.js';

/** What is written about one step that goes well and one that does not; times are T. */
async function said(isTTY: boolean): Promise<string> {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY });
  const progress = new Progress('app', { stream: stream as unknown as NodeJS.WriteStream });
  await progress.step('start', () => 7, String);
  await progress.step('train', () => Promise.reject(new Error('no'))).catch(() => undefined);
  return (stream.read() as string).replace(/ +\d+ ms/g, ' T');
}

test.serial('nothing but the results where nobody watches', async (t) => {
  t.is(await said(false), '  app: ok T  start: 7\n  app: failed T  train\n');
});

test.serial('at a terminal, each line is begun with the step, and replaced by its result', async (t) => {
  delete process.env['NO_COLOR'];
  const back = '\x1b[1G\x1b[0K';
  t.is(
    await said(true),
    `  app: start ...${back}  app: \x1b[32mok\x1b[39m  \x1b[2m T\x1b[22m  start: 7\n` +
      `  app: train ...${back}  app: \x1b[31mfailed\x1b[39m  \x1b[2m T\x1b[22m  train\n`,
  );
});

test.serial('NO_COLOR takes the colours away', async (t) => {
  process.env['NO_COLOR'] = '1';
  t.notRegex(await said(true), /\x1b\[\d+m/);
});

/** What a step of some 70 ms draws of itself, after one that was as the last time; it may tell how much of it is done. */
async function drawn(expected: readonly StepTime[], done = 0): Promise<string> {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true });
  const progress = new Progress('app', {
    expected,
    stream: stream as unknown as NodeJS.WriteStream,
    everyMs: 30,
  });
  await progress.step('start', () => undefined);
  await progress.step('settle', async (told) => {
    if (done > 0) told(done, 1000);
    await sleep(75);
  });
  return stream.read() as string;
}

test.serial(
  'a step at work says how long it has taken; after an earlier build, what is left as well',
  async (t) => {
    process.env['NO_COLOR'] = '1';
    t.regex(await drawn([]), /app: settle \.\.\. 1 s\x1b/);
    const times = (settle: number): readonly StepTime[] => [
      { name: 'start', ms: 0 },
      { name: 'settle', ms: settle },
      { name: 'train', ms: 60_000 },
    ];
    t.regex(await drawn(times(60_000)), /settle \.\.\. 1 s {2}\[-{20}\] {2}about 2 min 0 s left/);
    // It takes longer than the last time: what comes behind it is left.
    t.regex(await drawn(times(1)), /settle \.\.\. 1 s {2}\[-{20}\] {2}about 60 s left/);
    const another = [
      { name: 'start', ms: 0 },
      { name: 'exercise', ms: 1 },
    ];
    t.notRegex(await drawn(another), /left/);
    // After 30 ms, half of it was done, or a thousandth.
    t.regex(await drawn([], 500), /settle \.\.\. 1 s {2}\[#{10}-{10}\] {2}about 1 s left/);
    t.regex(await drawn(times(60_000), 1), /\[-{20}\] {2}about [2-9]\d s left/);
  },
);
