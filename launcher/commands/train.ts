// thaw train: records anew which pages a launch touches.
import { oneOperand, parse, print, printJson } from '../command.js';
import { interruptibly } from '../interruption.js';
import { Progress } from '../progress.js';
import { Store } from '../store/store.js';
import { size } from '../table.js';
import { retrain } from '../building/retrain.js';

export const help = `usage: thaw train [--store DIR] [--json] NAME

Launches the image of a profile once more, runs what the profile's [train] section says (else warmup.run), and
stores which pages were touched: the working set that launches are fed with. No instance may serve the profile's
port meanwhile. Another trial launch follows; when something is wrong the image stays as it was.
`;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, { store: { type: 'string' }, json: { type: 'boolean' } });
  const name = oneOperand(positionals, 'NAME');
  return interruptibly(async (signal) => {
    const store = new Store(values.store);
    const { header, workingSet } = await retrain(store, name, new Progress(name), signal);
    const bytes = (pages: number): string => size(pages * header.pageSize);
    if (values.json === true) printJson(workingSet);
    else print(`${name}: ${bytes(workingSet.writtenPages)} written, ${bytes(workingSet.readPages)} read\n`);
    return 0;
  });
}
