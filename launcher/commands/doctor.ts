// thaw doctor: what this kernel, device, store or process can and cannot do, and what to change.
import { command, print, printJson } from '../command.js';
import { UsageError } from '../errors.js';
import { type Check, native } from '../engine/index.js';
import { json, pid, store } from '../options.js';
import { storeChecks } from '../store/examine.js';
import { guardProblems } from '../store/guard.js';
import { imagePaths } from '../store/image.js';
import { Stores } from '../store/stores.js';
import { usage } from '../store/usage.js';

export default command({
  about:
    "Tells what this kernel, this user and the store can do for thaw; with NAME also whether the profile's image can be launched, and " +
    'about its first running instance. Exit code 1 when a process or an image has a problem.',
  options: {
    store,
    json,
    pid: pid(
      'also what a checkpoint of this process would refuse, without stopping it: all but what only the process itself can ' +
        'be asked (Landlock, keyrings, memory policies, some of prctl)',
    ),
  },
  operands: ['[NAME]'],
  async run(options, [name]) {
    if (name !== undefined && options.pid !== undefined)
      throw new UsageError('one of --pid PID and NAME is enough');
    const stores = new Stores(options.store);
    const instance = instanceOf(stores, name);
    const checks = [
      ...native.doctor(instance),
      ...(await storeChecks(stores)),
      ...(options.pid === undefined ? [] : native.survey(options.pid)),
      ...(name === undefined ? [] : imageChecks(stores, name)),
    ];
    if (options.json) printJson({ checks });
    else print(checks.map(text).join(''));
    // What a device lacks is information, not failure: thaw works around most of it.
    const asked = options.pid !== undefined || name !== undefined;
    return asked && checks.some(({ ok }) => !ok) ? 1 : 0;
  },
});

function instanceOf(stores: Stores, name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const store = stores.of(name);
  store.expect(name);
  const users = usage();
  return store.images(name).flatMap((image) => users.get(image) ?? [])[0];
}

function imageChecks(stores: Stores, name: string): Check[] {
  const problems = imagePaths(stores.of(name), name).flatMap((image) => [
    ...native.verify(image, { data: false }).problems,
    ...guardProblems(image, stores.list),
  ]);
  const ok = problems.length === 0;
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
