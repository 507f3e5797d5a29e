// thaw doctor: what this kernel, device or process can and cannot do, and what to change.
import { UsageError } from '../errors.js';
import { parse, print, printJson, processId } from '../command.js';
import { type Check, native } from '../engine/index.js';
import { imagePath } from '../store/image.js';
import { Store } from '../store/store.js';
import { usage } from '../store/usage.js';

export const help = `usage: thaw doctor [--store DIR] [--json] [--pid PID | NAME]

Tells what this kernel and this user can do for thaw; with --pid also whether that process can be taken into
an image; with NAME also whether the profile's image can be launched, and about its first running instance.
Exit code 1 when a process or an image has a problem.
`;

export function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    store: { type: 'string' },
    pid: { type: 'string' },
    json: { type: 'boolean' },
  });
  const [name, extra] = positionals;
  if (extra !== undefined || (name !== undefined && values.pid !== undefined))
    throw new UsageError('one of --pid PID and NAME is enough');
  const store = new Store(values.store);
  const pid = values.pid === undefined ? instanceOf(store, name) : processId(values.pid);
  const checks = [...native.doctor(pid), ...(name === undefined ? [] : imageChecks(store, name))];
  if (values.json === true) printJson({ checks });
  else print(checks.map(text).join(''));
  // What a device lacks is information, not failure: thaw works around most of it.
  const asked = pid !== undefined || name !== undefined;
  return Promise.resolve(asked && checks.some(({ ok }) => !ok) ? 1 : 0);
}

function instanceOf(store: Store, name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  store.expect(name);
  const users = usage();
  return store.images(name).flatMap((image) => users.get(image) ?? [])[0];
}

function imageChecks(store: Store, name: string): Check[] {
  const { ok, problems } = native.verify(imagePath(store, name), { data: false });
  if (ok) return [{ name: 'image', ok, detail: `${name} can be launched`, remedy: '' }];
  return problems.map(({ condition, what, remedy }) => ({
    name: `image: ${condition}`,
    ok: false,
    detail: what,
    remedy,
  }));
}

function text({ ok, name, detail, remedy }: Check): string {
  const line = `${ok ? 'ok' : 'NO'}  ${name}${detail === '' ? '' : `: ${detail}`}\n`;
  return ok || remedy === '' ? line : `${line}      ${remedy}\n`;
}
