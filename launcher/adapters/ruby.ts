// Ruby loads what RUBYOPT names with -r before the app.
import type { Adapter } from './adapter.js';

export const ruby: Adapter = {
  program: /^ruby[0-9.]*$/,
  env(folder, { RUBYOPT = '' }) {
    return { RUBYOPT: `-r${folder}/thaw_adapter.rb ${RUBYOPT}`.trimEnd() };
  },
};
