// thaw doctor where Yama forbids ptrace to everybody, which only a boot can mend: it says so, and builds say the same. The other
// set-ups are in test/launcher/doctor.test.ts.
import test from 'ava';

import type { Check } from '../../launcher/engine/index.js';
import { runGuest, said } from './support/guest.js';

const THAW = 'node /share/dist/launcher/cli.js';
const SCOPE = '/proc/sys/kernel/yama/ptrace_scope';
const PROFILE =
  'name = "sleep"\\nprogram = "/usr/bin/sleep"\\nargs = ["1000"]\\n[warmup]\\nuntil = { delay = "200ms" }\\n[prove]\\nrun = []\\n';

interface Told {
  readonly ptrace: Check | undefined;
  readonly build: string;
}

/** A boot in which the commands are run first. */
async function boot(commands: string): Promise<Told> {
  const outcome = await runGuest({
    cpu: 'aarch64',
    timeout: 600,
    command: `${commands}
printf '${PROFILE}' > /tmp/sleep.toml
${THAW} doctor --store /tmp/store --json | tr '\\n' ' '
echo
${THAW} build --store /tmp/store /tmp/sleep.toml 2>&1`,
  });
  const [checks = '', ...build] = outcome.stdout.split('\n');
  if (!checks.startsWith('{')) throw new Error(said(outcome));
  const { checks: all } = JSON.parse(checks) as { checks: readonly Check[] };
  return { ptrace: all.find(({ name }) => name === 'ptrace'), build: build.join('\n') };
}

test('ptrace_scope 3 is named, and a boot without it helps, as the remedy says', async (t) => {
  t.timeout(20 * 60_000);
  const broken = await boot(`echo 3 > ${SCOPE}; echo 0 > ${SCOPE} 2> /dev/null`);
  t.like(broken.ptrace, { ok: false });
  t.regex(broken.ptrace?.detail ?? '', /ptrace_scope is 3: nothing can be built/);
  t.regex(broken.ptrace?.remedy ?? '', /take kernel\.yama\.ptrace_scope=3 out of .*, and boot again/);
  t.regex(broken.build, /ptrace_scope is 3[\s\S]*boot again/);
  const mended = await boot('true');
  t.like(mended.ptrace, { ok: true });
  t.regex(mended.build, /sleep\/[0-9a-f]+\.thaw$/m);
});
