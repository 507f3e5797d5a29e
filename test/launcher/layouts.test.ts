// Several images of one profile: of warm-ups of their own, and each launch takes one of them by chance.
import test from 'ava';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { native } from '../../launcher/engine/index.js';
import { Store } from '../../launcher/store/store.js';
import { Workshop } from './support.js';

const warm = 'until = { log = "^warm$" }\nsettle = "100ms"';

/** At its end, an instance says which image it has mapped. */
const tells = `import atexit
atexit.register(lambda: print([line for line in open('/proc/self/maps') if '.thaw' in line][0].split()[-1]))`;

function launchedFrom(workshop: Workshop): string {
  const { stdout, stderr } = workshop.launch('app');
  return /([0-9a-f]+\.thaw)$/m.exec(stdout)?.[1] ?? `cold: ${stderr.split('\n')[0] ?? ''}`;
}

function launchMany(workshop: Workshop, count = 12): string[] {
  return [...new Set(Array.from({ length: count }, () => launchedFrom(workshop)))].sort();
}

test('launches of a profile with several images use all of them', (t) => {
  const workshop = new Workshop(t);
  const toml = workshop.profile('app', warm, tells, 'images = 2');
  t.is(workshop.thaw('build', toml).status, 0);
  const store = new Store(workshop.store);
  const images = store.currentImages('app');
  const [first = '', second = ''] = images;
  t.is(new Set(images).size, 2);
  t.deepEqual(store.images('app'), [...images].sort());
  const stacks = store.allCurrent('app').map((path) => {
    const { header, processes } = native.show(path);
    t.is(header.layouts, 2);
    return processes[0]?.mappings.find(({ name }) => name === '[stack]')?.start;
  });
  t.is(new Set(stacks).size, 2, 'addresses');

  t.deepEqual(launchMany(workshop), [...images].sort(), 'one in 2^11 times, all launches take the same');
  t.is(workshop.thaw('verify', 'app').stdout, 'app (1 of 2): good\napp (2 of 2): good\n');
  t.regex(workshop.thaw('list').stdout, / 0 +0 .*\(2 images\)/);
  t.is(workshop.thaw('gc').stdout, '0 B freed\n');

  // The guard sets aside one, and the other goes on.
  rmSync(native.store.goodSign + second.replace('.thaw', ''));
  const record = join(store.folder('app'), 'deaths', second.replace('.thaw', ''));
  writeFileSync(record, 'signal 11\n'.repeat(3) + 'aside\n');
  const used = launchMany(workshop);
  t.is(used.length, 2);
  t.true(used.includes(first));
  t.regex(used.find((one) => one !== first) ?? '', /^cold: .*set aside/);
  t.regex(workshop.thaw('list').stdout, /\(2 images\) \(set aside after 3 early deaths: signal 11\)/);

  // One that is missing is not missed.
  rmSync(join(store.folder('app'), second));
  t.deepEqual(launchMany(workshop, 6), [first]);

  writeFileSync(toml, readFileSync(toml, 'utf8').replace('images = 2', ''));
  t.is(workshop.thaw('build', toml).status, 0);
  t.is(store.currentImages('app').length, 1);
  t.deepEqual(store.images('app'), store.currentImages('app'));
  t.deepEqual(launchMany(workshop, 1), store.currentImages('app'));

  t.is(workshop.thaw('remove', 'app').status, 0);
  t.false(existsSync(store.folder('app')));
});
