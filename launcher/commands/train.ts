// thaw train: records anew which pages a launch touches.
import { command, print, printJson } from '../command.js';
import type { Image } from '../engine/index.js';
import { interruptibly } from '../interruption.js';
import { json, store } from '../options.js';
import { Progress } from '../progress.js';
import { Stores } from '../store/stores.js';
import { size } from '../units.js';
import { retrain } from '../building/retrain.js';

export default command({
  about:
    "Launches the image of a profile once more, runs what the profile's [train] section says (else warmup.run), and stores " +
    "which pages were touched: the working set that launches are fed with. No instance may serve the profile's port " +
    'meanwhile. Another trial launch follows; when something is wrong the image stays as it was.',
  options: { store, json },
  operands: ['<NAME>'],
  run(options, [name]) {
    return interruptibly(async (signal) => {
      const store = new Stores(options.store).writable;
      const images = await retrain(store, name, new Progress(name), signal);
      if (options.json)
        printJson(images.length === 1 ? images[0]?.workingSet : images.map((image) => image.workingSet));
      else print(images.map((image) => line(name, image)).join(''));
      return 0;
    });
  },
});

function line(name: string, { header, workingSet }: Image): string {
  const bytes = (pages: number): string => size(pages * header.pageSize);
  return `${name}: ${bytes(workingSet.writtenPages)} written, ${bytes(workingSet.readPages)} read\n`;
}
