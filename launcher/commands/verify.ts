// thaw verify: every condition of a launch, and on request the page data.
import { oneOperand, parse, print, printJson } from '../command.js';
import { native } from '../native.js';
import { imagePath } from '../store/image.js';
import { Store } from '../store/store.js';

export const help = `usage: thaw verify [--store DIR] [--data] [--json] NAME|FILE

Checks all that a launch from the image would check, as the user who calls it. Exit code 1 when a launch
would start cold; the problems are listed with their remedies.

  --data    also read all page data and compare its checksum
`;

export function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    store: { type: 'string' },
    data: { type: 'boolean' },
    json: { type: 'boolean' },
  });
  const operand = oneOperand(positionals, 'NAME or FILE');
  const path = imagePath(new Store(values.store), operand);
  const verdict = native.verify(path, { data: values.data === true });
  if (values.json === true) printJson(verdict);
  else if (verdict.ok) print(`${operand}: good\n`);
  else
    for (const { condition, what, remedy } of verdict.problems)
      print(`${operand}: ${condition}: ${what}\n${remedy === '' ? '' : `  ${remedy}\n`}`);
  return Promise.resolve(verdict.ok ? 0 : 1);
}
