// The tutorial and the guides are followed as they are written: every file, every command.
import test from 'ava';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import { follow, stepsOf } from './guide.js';

const GUIDES = [
  'docs/tutorial.md',
  ...['systemd', 'node', 'python', 'java', 'qt', 'ota'].map((name) => `docs/how-to/${name}.md`),
];

test('the steps of a page: files, commands, and what is neither', (t) => {
  const page =
    'Text.\n\n```toml file=/srv/a.toml\nname = "a"\n```\n\n```sh\nthaw build /srv/a.toml\n```\n\n```console\nreboot\n```\n\n```\nplain\n```\n';
  t.deepEqual(stepsOf(page), [
    { file: '/srv/a.toml', text: 'name = "a"\n' },
    { commands: 'thaw build /srv/a.toml\n' },
  ]);
});

for (const guide of GUIDES)
  test.serial(guide, async (t) => {
    const steps = stepsOf(readFileSync(join(projectFolder, guide), 'utf8'));
    t.true(steps.some((step) => 'commands' in step));
    if (process.geteuid?.() !== 0) {
      t.log('only root may make the machine that it is followed on');
      return;
    }
    const { status, output } = await follow(steps);
    t.is(status, 0, output);
  });
