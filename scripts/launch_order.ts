// `npm run launch-order`: writes native/exec/launch_order.ld anew, which the linker gets thaw-exec's functions in order from. Those
// that launches execute stand side by side: each 64 KB of code costs a launch a page fault, and what it has mapped it must unmap.
// A function that the file does not name stands where it always stood, so the file may be behind the code: nothing breaks.
import { execa } from 'execa';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { benchProgram, definitionPath, nativeProgram, thawExec } from '../bench/paths.js';
import { commandOf, warmCommand } from '../bench/start.js';
import { Thaw } from '../bench/thaw.js';
import { projectFolder } from '../launcher/engine/index.js';
import { main } from '../launcher/main.js';

const ORDER = join(projectFolder, 'native', 'exec', 'launch_order.ld');
const MAP = nativeProgram(join('cmake', 'thaw-exec.map'));
/** Apps that hold what many hold: threads, sockets, several processes. */
const PROFILES = ['redis', 'nginx', 'ts-server', 'python', 'nginx-workers'];

/** A piece of an object file that the linker places as a whole. */
interface Section {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly file: string;
}

/** The sections of code in a map of GNU ld, ascending. A long name has its line to itself. */
function readMap(text: string): readonly Section[] {
  const lines = text.matchAll(/^ (\.text\S*)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$/gm);
  return [...lines]
    .map(([, name = '', start = '', size = '', file = '']) => {
      const first = Number.parseInt(start, 16);
      return { start: first, end: first + Number.parseInt(size, 16), name, file };
    })
    .filter(({ start, end }) => start !== 0 && end > start)
    .sort((a, b) => a.start - b.start);
}

/** As the linker's scripts name it. */
function pattern({ name, file }: Section): string {
  const [, archive, member] = /(lib[\w+-]+\.a)\((\S+)\)$/.exec(file) ?? [];
  if (archive !== undefined && member !== undefined) return `*${archive}:${member}(${name})`;
  // Of assembler code and the compiler's own files, a name that says nothing.
  return name === '.text' ? `*${file.split('/').at(-1) ?? file}(${name})` : `*(${name})`;
}

/** Addresses that a launch executes until its restorer takes over. */
async function executed(
  launch: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
  sections: readonly Section[],
): Promise<number[]> {
  const end = sections.at(-1)?.end ?? 0;
  const first = (sections[0]?.start ?? 0) & ~0xffff; // With the linker's own pieces before them.
  const range = [first, end].map((address) => address.toString(16));
  const own = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const { stdout } = await execa(
    'unshare',
    [...own, 'sh', '-c', 'ip link set lo up; "$@"', 'sh', benchProgram('executed'), ...range, ...launch],
    {
      cwd,
      env,
      extendEnv: false,
      stdin: 'ignore',
      stderr: 'inherit',
    },
  );
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => Number.parseInt(line, 16));
}

function sectionsOf(addresses: readonly number[], sections: readonly Section[]): Set<Section> {
  const found = new Set<Section>();
  for (const address of addresses) {
    const section = sections.find(({ start, end }) => start <= address && address < end);
    if (section !== undefined) found.add(section);
  }
  return found;
}

function write(sections: ReadonlySet<Section>): void {
  const patterns = [...new Set([...sections].map(pattern))].sort();
  writeFileSync(
    ORDER,
    `/* What launches execute, side by side. Made by npm run launch-order. */
SECTIONS
{
  .text.launch :
  {
${patterns.map((line) => `    ${line}\n`).join('')}  }
}
INSERT BEFORE .text;
`,
  );
}

async function orderLaunches(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-order-'));
  try {
    const thaw = new Thaw(join(folder, 'store'));
    const sections = readMap(readFileSync(MAP, 'utf8'));
    const all = new Set<Section>();
    for (const profile of PROFILES) {
      process.stdout.write(`${profile}: building its image\n`);
      await thaw.build(profile);
      const { command: program, cwd, env } = commandOf({ profile, definition: definitionPath(profile) });
      const launch = warmCommand(thaw.store, profile, program, thawExec);
      const found = sectionsOf(await executed(launch, { ...env }, cwd, sections), sections);
      for (const section of found) all.add(section);
      process.stdout.write(
        `${profile}: ${found.size} functions are executed, with those before: ${all.size}\n`,
      );
    }
    write(all);
    const bytes = [...all].reduce((sum, { start, end }) => sum + end - start, 0);
    process.stdout.write(
      `${ORDER}: ${Math.round(bytes / 1024)} KB of code; npm run build:native links it so\n`,
    );
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main('launch-order', orderLaunches);
