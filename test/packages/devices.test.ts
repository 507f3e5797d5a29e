// The layer for Yocto and the external tree for Buildroot, as far as they can be checked without these: syntax, references and
// versions. The build that they start is test/packages/reproducible.slow.test.ts.
import test from 'ava';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { root } from '../engine/support/paths.js';
import { run } from './support/packages.js';

const layer = join(root, 'packaging/yocto/meta-thaw');
const tree = join(root, 'packaging/buildroot');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const listed = (folder: string): readonly string[] =>
  run('git', ['ls-files', '-co', '--exclude-standard', folder]).trim().split('\n');

/** A line of BitBake's metadata outside of functions (the BitBake user manual, "Syntax and Operators"). */
const STATEMENT =
  /^(#.*||inherit( [\w-]+)+|[A-Za-z_][\w.${}-]*(:[\w.${}-]+)*(\[[\w-]+\])? (=|\?=|\?\?=|:=|\+=|=\+|\.=|=\.) "[^"]*")$/;
const FUNCTION = /^([\w-]+)\(\) \{$/;

/** Functions of the shell by name. @throws Error that names the first line that is no BitBake */
function parse(text: string): ReadonlyMap<string, string> {
  const functions = new Map<string, string>();
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const name = FUNCTION.exec(lines[index] ?? '')?.[1];
    if (name === undefined) {
      if (!STATEMENT.test(lines[index] ?? '')) throw new Error(`line ${index + 1}: ${lines[index] ?? ''}`);
      continue;
    }
    const end = lines.indexOf('}', index);
    if (end < 0) throw new Error(`${name} does not end`);
    functions.set(name, lines.slice(index + 1, end).join('\n'));
    index = end;
  }
  return functions;
}

test('BitBake can read the layer', (t) => {
  const files = listed(layer).filter((file) => /\.(bb|bbappend|bbclass|conf)$/.test(file));
  t.is(files.length, 4);
  const all = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  for (const file of files)
    for (const [name, body] of parse(readFileSync(join(root, file), 'utf8'))) {
      // What BitBake fills in is a word to the shell.
      const script = body.replaceAll(/\$\{[A-Z_]+\}/g, 'WORD');
      t.notThrows(() => run('sh', ['-n', '-c', script]), `${file}: ${name}`);
    }
  for (const [, name = ''] of all.matchAll(/\$\{(THAW_[A-Z_]+)\}/g))
    t.regex(all, new RegExp(`^${name}(:\\w[\\w-]*)? (=|\\?=) `, 'm'), name);
  t.throws(() => parse('SUMMARY = "not closed'), { message: /line 1/ });
  t.throws(() => parse('do_install() {\n    true\n'), { message: /does not end/ });
});

test('the recipe is of this version, and knows the licence', (t) => {
  const recipe = readFileSync(join(layer, `recipes-core/thaw/thaw-exec_${version}.bb`), 'utf8');
  const md5 = createHash('md5')
    .update(readFileSync(join(root, 'LICENSE')))
    .digest('hex');
  t.true(recipe.includes(`LICENSE;md5=${md5}`));
});

/** Of Buildroot, what the package asks for. */
const STUB = `BR2_EXTERNAL_THAW_PATH = ${tree}
TARGET_DIR = /target
qstrip = $(strip $(subst ",,$(1)))
cmake-package = $(info package)
include $(BR2_EXTERNAL_THAW_PATH)/external.mk
show:
	@echo '$(THAW_EXEC_VERSION) $(THAW_EXEC_SITE) $(THAW_EXEC_CONF_OPTS) $(THAW_EXEC_ROOTFS_PRE_CMD_HOOKS)'
	$(THAW_EXEC_BUILD_PROFILES)
`;

for (const [name, value] of [
  ['BR2_aarch64', 'aarch64'],
  ['BR2_arm', 'armv7'],
  ['BR2_x86_64', 'x86_64'],
] as const)
  test(`make can read the tree for Buildroot with ${name}`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'thaw-buildroot-'));
    t.teardown(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    writeFileSync(join(folder, 'Makefile'), STUB);
    const said = run('make', [
      '-n',
      '-C',
      folder,
      `${name}=y`,
      'BR2_PACKAGE_THAW_EXEC_PROFILES="a.toml b.toml"',
    ]);
    t.regex(said, /^package$/m);
    t.true(said.includes(`${version} ${root} -DTHAW_EXEC_ONLY=ON -DTHAW_CPU=${value} `), said);
    t.regex(said, new RegExp(`build --target ${value} --root /target\\s+a.toml b.toml`));
  });

test('Kconfig of the tree: what is named is defined, and blocks end', (t) => {
  const text = readFileSync(join(tree, 'package/thaw-exec/Config.in'), 'utf8');
  const count = (word: string): number => text.split('\n').filter((line) => line.startsWith(word)).length;
  t.is(count('if '), count('endif'));
  t.regex(text, /^config BR2_PACKAGE_THAW_EXEC$/m);
  for (const name of readFileSync(join(tree, 'package/thaw-exec/thaw-exec.mk'), 'utf8').match(
    /BR2_PACKAGE_THAW_\w+/g,
  ) ?? [])
    t.true(text.includes(`config ${name}\n`), name);
});
