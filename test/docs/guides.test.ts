// The tutorial and the guides are followed as they are written: every file, every command.
import test from 'ava';
import { ELSEWHERE } from './elsewhere.js';
import { blocksOf, follow, pages, stepsOf, textOf } from './guide.js';

/** Every page that has something to follow. */
const GUIDES = pages().filter((page) => stepsOf(textOf(page)).some((step) => 'commands' in step));

test('the steps of a page: files, commands, and what is neither', (t) => {
  const page =
    'Text.\n\n```toml file=/srv/a.toml\nname = "a"\n```\n\n```sh\nthaw build /srv/a.toml\n```\n\n```console\nreboot\n```\n\n```\nplain\n```\n';
  t.deepEqual(stepsOf(page), [
    { file: '/srv/a.toml', text: 'name = "a"\n' },
    { commands: 'thaw build /srv/a.toml\n' },
  ]);
});

test('commands are followed, or listed with the reason why not', (t) => {
  const listed = new Set(ELSEWHERE);
  const take = (page: string, text: string): boolean => {
    const row = [...listed].find((each) => each.page === page && text.startsWith(each.begins));
    return row !== undefined && listed.delete(row);
  };
  const neither = pages().flatMap((page) =>
    blocksOf(textOf(page))
      .filter(({ info, text }) => (info === 'console' ? !take(page, text) : info === '' && isCommand(text)))
      .map(({ text }) => `${page}: ${text.split('\n')[0] ?? ''}`),
  );
  t.deepEqual(neither, []);
  t.deepEqual([...listed], [], 'no page has these any more');
  // Without a fence, nothing says what a block is.
  t.deepEqual(
    pages().filter((page) => /\n\n {4}\S/.test(textOf(page).replaceAll(/^```.*?^```$/gms, ''))),
    [],
  );
});

function isCommand(text: string): boolean {
  return /^(\$ )?(thaw|thaw-exec|npx|npm|apt|apt-get|sh|make|systemctl|openssl|cross\/\S+) /m.test(text);
}

test('what tries the commands that are not followed is there', (t) => {
  for (const { page, tries } of ELSEWHERE)
    for (const path of tries) t.notThrows(() => textOf(path), `${page}: ${path}`);
});

for (const guide of GUIDES)
  test.serial(guide, async (t) => {
    const steps = stepsOf(textOf(guide));
    if (process.geteuid?.() !== 0) {
      t.log('only root may make the machine that it is followed on');
      return;
    }
    const { status, output } = await follow(steps);
    t.is(status, 0, output);
  });
