// `npm run docs:reference`: writes the documents that are made from the schema of a profile and from the commands.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import { documents } from './documents.js';

for (const [path, text] of await documents()) {
  const file = join(projectFolder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
