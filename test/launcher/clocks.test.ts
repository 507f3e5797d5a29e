// What a launched app thinks the time is, when it adds the clock that runs since boot to the time of its start.
import test from 'ava';
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { Workshop } from './support.js';

const warm = 'until = { log = "warm$" }\nsettle = "300ms"';
/** Says at its end by how many seconds it is behind. */
const work = `
import atexit
started, began = time.time(), time.monotonic()
atexit.register(lambda: print('behind %.1f' % (time.time() - started - (time.monotonic() - began)), flush=True))
`;
const canStandStill = process.geteuid?.() === 0 && existsSync('/proc/self/timens_offsets');

for (const [clocks, behind] of [
  ['jump', false],
  ['continue', true],
] as const)
  (behind && !canStandStill ? test.skip : test)(`clocks = "${clocks}"`, async (t) => {
    const workshop = new Workshop(t);
    const toml = workshop.profile('app', warm, work, `clocks = "${clocks}"`);
    const built = workshop.thaw('build', toml);
    t.is(built.status, 0, built.stderr);
    t.regex(workshop.thaw('show', 'app').stdout, new RegExp(`clocks +${clocks}`));
    await setTimeout(2000);
    const { stdout, stderr } = workshop.launch('app');
    t.is(stderr, '', 'no cold start');
    const [, seconds] = /^done\nbehind (-?[\d.]+)\n$/.exec(stdout) ?? [];
    if (behind) t.true(Number(seconds) >= 1.9, stdout);
    else t.true(Math.abs(Number(seconds)) < 0.3, stdout);
  });
