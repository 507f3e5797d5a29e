// The reference of a profile's keys, as Markdown.
import { EXAMPLE, type Section, sections } from './keys.js';
import { table } from './markdown.js';

const introduction = `<!-- Made from launcher/definition/schema.ts and launcher/warmup/triggers/ by \`npm run docs:reference\`. -->

# A profile, key by key

A profile is a [TOML](https://toml.io) file. \`thaw build\` checks all of it before it starts anything; what is wrong is told
with the file, the line, and what would be accepted. Editors that know JSON schemas for TOML (Taplo, Even Better TOML)
complete and check it by [thaw.schema.json](thaw.schema.json), if the first line of the profile names it:

\`\`\`toml
#:schema docs/reference/thaw.schema.json
${EXAMPLE}\`\`\`
`;

export function keyReference(): string {
  return [introduction, ...sections().map(sectionText)].join('\n');
}

function sectionText({ title, description, keys }: Section): string {
  const rows = keys.map(({ key, accepted, fallback, meaning }) => [
    `\`${key}\``,
    accepted,
    fallback,
    meaning,
  ]);
  const heading = /[[=]/.test(title) ? `\`${title}\`` : title;
  const text = description === '' ? '' : `${description}\n\n`;
  return `## ${heading}\n\n${text}${table(['key', 'accepted', 'default', 'meaning'], rows)}`;
}
