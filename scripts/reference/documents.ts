// The documents that are made from the schema of a profile and from the commands.
import { toJsonSchema } from '@valibot/to-json-schema';
import { format } from 'prettier';

import { profile } from '../../launcher/definition/schema.js';
import { commandReference } from './command_reference.js';
import { completions } from './completions.js';
import { keyReference } from './key_reference.js';
import { manualPages } from './manual.js';

/** Their texts, by their paths in the project. */
export async function documents(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/reference/commands.md', await commandReference()],
    ['docs/reference/profile-keys.md', keyReference()],
    ['docs/reference/thaw.schema.json', await editorSchema()],
    ...(await manualPages()),
    ...(await completions()),
  ]);
}

/** The schema that an editor completes and checks a profile by. */
function editorSchema(): Promise<string> {
  const schema = toJsonSchema(profile, {
    // Of a pipe, what the last schema says about the value that was written; what comes after it is thaw's own.
    typeMode: 'output',
    ignoreActions: ['metadata', 'raw_check', 'transform'],
  });
  return format(JSON.stringify(schema), { parser: 'json', printWidth: 110 });
}
