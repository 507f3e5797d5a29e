// Profiles of apps with a window, on a compositor with a seat: what they show, and what they do with clicks, keys and other sizes.
import test, { type ExecutionContext } from 'ava';
import { setTimeout } from 'node:timers/promises';

import type { Compositor } from '../../bench/windows/compositor.js';
import { Place, type Window } from '../../bench/windows/place.js';

const KEY_A = 30;
const KEY_Y = 21;

/** That the app has said so, in a line of its own; a browser puts more before it. */
const said = (words: string): RegExp => new RegExp(`^(?:.* )?${words}$`, 'm');

interface Traits {
  /** Where its button is. */
  readonly clickAt: string;
  readonly inARow?: number;
  /** It is told neither of the output nor of its end. */
  readonly isPage?: boolean;
}

/** With what its key has typed. */
function keyOn(key: string, output: string, { isPage }: Traits): RegExp {
  return said(`key ${key} on ${isPage === true ? '.*' : output}`);
}

/** Shows itself as a cold one does, and reacts: `picture` is what that one has shown. */
async function checkWindow(t: ExecutionContext, window: Window, picture: Buffer, traits: Traits) {
  try {
    await useWindow(t, window, picture, traits);
  } catch (error) {
    const { exitCode, signalCode } = window.process;
    t.log(`the app (${signalCode ?? exitCode ?? 'which goes on'}): ${window.output}`);
    throw error;
  }
}

async function useWindow(t: ExecutionContext, window: Window, picture: Buffer, traits: Traits) {
  const { compositor } = window;
  const typed = keyOn('a', '1024x640', traits);
  await compositor.shown(window.pid);
  t.true((await settledPicture(compositor, picture)).equals(picture), 'it looks as after a cold start');
  await window.answers(`click ${traits.clickAt}`, said('clicks 1'));
  await window.answers(`key ${KEY_A}`, typed);
  // Where it stayed over the next window, that one would show it.
  await compositor.command('move -2000 -2000');
  const before = picture.toString('latin1', 0, 12);
  await compositor.command('resize 400 300');
  let other = before;
  const deadline = Date.now() + 30_000;
  while (other === before && Date.now() < deadline) {
    await setTimeout(10);
    other = (await compositor.picture()).toString('latin1', 0, 12);
  }
  t.not(other, before, 'it has drawn itself in another size');
  await window.says(said('size .*'));
  await window.close();
  t.is(window.process.exitCode, 0, window.output);
  t.regex(window.output, said('clicks 1'));
  t.regex(window.output, typed);
  if (traits.isPage !== true) t.regex(window.output, said('closed'));
  t.notRegex(window.output, /thaw-exec:|[Ww]arning|error/);
}

/** The picture, once it is that one, or as it is after a while. */
async function settledPicture(compositor: Compositor, wanted?: Buffer): Promise<Buffer> {
  let picture = await compositor.picture();
  for (let tries = 0; tries < 200; ++tries) {
    const next = await compositor.picture();
    if (wanted === undefined ? tries > 20 && next.equals(picture) : next.equals(wanted)) return next;
    picture = next;
  }
  return picture;
}

async function coldPicture(place: Place): Promise<Buffer> {
  const window = place.start('cold');
  await place.compositor.shown(window.pid);
  await window.says(said('shown'));
  const picture = await settledPicture(place.compositor);
  await window.close();
  return picture;
}

/** Declares the tests of one profile. @returns where it is proved, for more of them */
export function proveWindow(profile: string, traits: Traits): Place {
  const { inARow = 5 } = traits;
  const place = new Place(profile);
  let picture: Buffer = Buffer.alloc(0);

  test.serial.before(`build ${profile}`, async (t) => {
    t.timeout(600_000);
    await place.compositor.startSeated();
    await place.build();
    picture = await coldPicture(place);
  });

  test.after.always('remove the store', () => place.end());

  test.serial(`${profile}: ${inARow} launches in a row show themselves and react`, async (t) => {
    t.timeout(600_000);
    for (let n = 0; n < inARow; ++n) await checkWindow(t, place.start('warm'), picture, traits);
  });

  test.serial(`${profile}: three at once`, async (t) => {
    t.timeout(600_000);
    const windows: Window[] = [];
    for (let n = 0; n < 3; ++n) windows.push(await place.startBeside('warm'));
    for (const window of windows) {
      await place.compositor.shown(window.pid);
      t.is(window.process.exitCode, null);
    }
    t.true((await settledPicture(place.compositor, picture)).equals(picture));
    for (const window of windows) {
      window.process.kill('SIGTERM');
      await window.ended;
      t.notRegex(window.output, /thaw-exec:/);
    }
  });

  test.serial(`${profile}: on a compositor that was started again`, async (t) => {
    t.timeout(600_000);
    await place.compositor.startSeated();
    await checkWindow(t, place.start('warm'), picture, traits);
  });

  test.serial(`${profile}: another output and another keymap come as changes`, async (t) => {
    t.timeout(600_000);
    await place.compositor.startSeated({ width: 800, height: 600, layout: 'de' });
    const window = place.start('warm');
    await place.compositor.shown(window.pid);
    t.true((await settledPicture(place.compositor, picture)).equals(picture));
    await window.answers(`key ${KEY_Y}`, said('key .*'));
    t.regex(window.output, keyOn('z', '800x600', traits));
    t.notRegex(window.output, /thaw-exec:/);
    await window.close();
  });

  test.serial(`${profile}: without a seat it starts cold`, async (t) => {
    t.timeout(600_000);
    await place.compositor.start();
    const window = place.start('or cold');
    await window.says(/starting cold/);
    t.regex(window.output, /wl_registry.*; starting cold/);
    window.process.kill('SIGKILL');
    await window.ended;
  });
  return place;
}
