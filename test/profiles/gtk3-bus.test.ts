import test from 'ava';

import { proveWindow } from './windows.js';

const place = proveWindow('gtk3-bus', { clickAt: '160 190' });
const COUNT = ['org.example.Counter', '/org/example/Counter', 'org.example.Counter', 'Count'];

test.serial('gtk3-bus: it is called on its bus, and on one that was started again', async (t) => {
  t.timeout(600_000);
  await place.compositor.startSeated();
  for (let n = 0; n < 2; ++n) {
    await place.bus?.start();
    const window = place.start('warm');
    await place.compositor.shown(window.pid);
    // It has its name before it is shown.
    t.is(place.bus?.call(...COUNT), 'i 1', window.output);
    t.is(place.bus?.call(...COUNT), 'i 2');
    await window.says(/^clicks 2$/m);
    t.notRegex(window.output, /thaw-exec:/);
    await window.close();
  }
});

test.serial(
  'gtk3-bus: where another has its name it starts cold, and leaves the work to that one',
  async (t) => {
    t.timeout(600_000);
    await place.compositor.startSeated();
    const first = place.start('warm');
    await place.compositor.shown(first.pid);
    const second = place.start('or cold');
    await second.ended;
    t.regex(second.output, /org\.example\.Counter.*; starting cold/);
    t.regex(second.output, /^closed$/m);
    t.is(second.process.exitCode, 0, second.output);
    t.is(place.bus?.call(...COUNT), 'i 1', first.output);
    await first.close();
  },
);
