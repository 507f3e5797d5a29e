// Node.js loads what NODE_OPTIONS names with --require before the app.
import type { Adapter } from './adapter.js';

export const node: Adapter = {
  program: /^node(js)?$/,
  env(folder, { NODE_OPTIONS = '' }) {
    return { NODE_OPTIONS: `--require="${folder}/adapter.cjs" ${NODE_OPTIONS}` };
  },
};
