// `npm run docs:reference`: writes the documents that are made from the schema of a profile.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import { documents } from './documents.js';

for (const [path, text] of await documents()) writeFileSync(join(projectFolder, path), text);
