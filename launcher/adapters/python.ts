// CPython imports `sitecustomize` at its start, from the first folder that has one.
import type { Adapter } from './adapter.js';

export const python: Adapter = {
  program: /^python[0-9.]*$/,
  env(folder, { PYTHONPATH = '' }) {
    return { PYTHONPATH: PYTHONPATH === '' ? folder : `${folder}:${PYTHONPATH}` };
  },
};
