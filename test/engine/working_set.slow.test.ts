// Wrong working sets of those apps that working_set.test.ts leaves out.
import { proveWrongWorkingSets } from './support/wrong_working_set.js';
import { isAboutMemory } from './support/rows.js';

proveWrongWorkingSets((row) => !isAboutMemory(row));
