// Wrong working sets of apps whose memory is what they are about; those of all others take minutes: working_set.slow.test.ts.
import { proveWrongWorkingSets } from './support/wrong_working_set.js';
import { isAboutMemory } from './support/rows.js';

proveWrongWorkingSets(isAboutMemory);
