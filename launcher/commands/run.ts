// thaw run: thaw-exec by profile name.
import { command } from '../command.js';
import { ThawError, messageOf } from '../errors.js';
import { environmentList, native } from '../engine/index.js';
import { flag, store } from '../options.js';
import { Stores } from '../store/stores.js';
import { accountOf } from '../app/account.js';
import { settingOf } from '../app/setting.js';

export default command({
  about:
    'Becomes the app of a profile, in its folder and with the environment that it was built in: warm from the ' +
    "image, or else by a cold start. ARGS are added to the profile's arguments; the image is for its own arguments only, so " +
    'that they mean a cold start.',
  options: {
    store,
    keepPid: flag(
      '--keep-pid',
      'give the app the pid that it had when the image was made (needs privileges)',
    ),
    fallback: flag('--no-fallback', 'never start cold: exit with 125 if the launch is not possible'),
  },
  operands: ['<NAME>'],
  passes: 'ARGS...',
  async run({ store: root, keepPid, fallback }, [name], extra) {
    const stores = new Stores(root);
    const definition = stores.of(name).definition(name);
    await expectUser(name, definition.user);
    try {
      process.chdir(definition.cwd);
    } catch (error) {
      throw new ThawError(`cannot enter the profile's folder: ${messageOf(error)}`);
    }
    const options = [
      ...(keepPid ? ['--keep-pid'] : []),
      ...(fallback ? [] : ['--no-fallback']),
      // By name the image would be taken whatever the arguments; by its index, only with its own.
      ...(extra.length === 0 ? ['--profile', name] : []),
    ];
    const thawExec = native.thawExec();
    return native.exec(
      thawExec,
      [thawExec, '--store', stores.list, ...options, '--', definition.program, ...definition.args, ...extra],
      environmentList({ ...thawsVariables(), ...(await settingOf(definition)).env }),
      definition.launch.inherit,
    );
  },
});

/** $THAW_LOG and the like are for thaw-exec. */
function thawsVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('THAW_')));
}

/** A cold start as somebody else, root above all, would be no fallback but other rights. */
async function expectUser(name: string, user: string | undefined): Promise<void> {
  const [wanted, caller] = [await accountOf(user), await accountOf(undefined)];
  if (wanted.uid === caller.uid) return;
  throw new ThawError(`the profile ${name} is for user ${wanted.name}, the caller is ${caller.name}`, {
    remedy: `runuser -u ${wanted.name} -- thaw run ${name}`,
  });
}
