// What packages are put through in a fresh root of Debian, with Debian's own Node.js, on each CPU alike: installed by dpkg, which
// checks what they depend on, and used.
import type { ExecutionContext } from 'ava';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { Packages, architecture } from './packages.js';

const PROFILE = `name = "sleep"
program = "/usr/bin/sleep"
args = ["2"]
cwd = "/"
[warmup]
until = { delay = "300ms" }
settle = "10ms"
timeout = "5m"
[prove]
run = []
`;

/** What a shell executes in /, as root, and what that prints. */
const STEPS: readonly (readonly [script: string, said: RegExp])[] = [
  ['dpkg -i /in/*.deb', /Setting up thaw /],
  ['dpkg --verify thaw thaw-exec libthaw-dev', /^$/],
  ['thaw --version', /^thaw \d/],
  ['thaw-exec --help', /^usage: thaw-exec/],
  ['pkg-config --cflags thaw && pkg-config --variable=includedir thaw', /^\s*\/usr\/include\s*$/],
  ['thaw doctor', /^ok {2}kernel 5\.10 or newer: /m],
  ['thaw build /in/sleep.toml', /sleep\/[0-9a-f]+\.thaw$/m],
  ['thaw-exec --no-fallback -- /usr/bin/sleep 2 && echo warm', /^warm$/m],
  ['thaw list', /sleep/],
  ['thaw report sleep -o /tmp/report.html && test -s /tmp/report.html', /report\.html/],
  ['! thaw build --target aarch64 --root / /in/sleep.toml', /in a clone/],
  ['dpkg --purge libthaw-dev thaw thaw-exec && ! test -e /usr/lib/thaw', /Purging|Removing/],
];

/** The packages of a CPU and the profile, in the new folder `to`, which shall be the root's /in. */
export function writeInputs(cpu: string, to: string): void {
  const made = new Packages([cpu]);
  mkdirSync(to);
  const own = architecture(cpu);
  for (const file of [made.deb('thaw-exec', own), made.deb('thaw', own), made.deb('libthaw-dev', 'all')])
    cpSync(file, join(to, basename(file)));
  writeFileSync(join(to, 'sleep.toml'), PROFILE);
  rmSync(made.folder, { recursive: true });
}

/** All steps as one text of the shell, with the locale of Debian's services; it ends after the first that fails. */
export const script = `cd /
export LANG=C.UTF-8
${STEPS.map(([step], i) => `echo "step ${i}"\n( ${step} ) 2>&1 || { echo "status $?"; exit 0; }`).join('\n')}
echo done
`;

/** What `script` has printed must be what each step prints. */
export function expectSteps(t: ExecutionContext, said: string, more: string): void {
  const parts = said.split(/^(?:step \d+|done)\n/m).slice(1);
  for (const [i, [step, expected]] of STEPS.entries())
    t.regex(parts[i] ?? 'it was not reached', expected, `${step}\n${said}${more}`);
  t.is(parts.length, STEPS.length + 1, `${said}${more}`);
}
