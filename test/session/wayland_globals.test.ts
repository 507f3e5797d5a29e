// What a compositor offers, and offers otherwise at a launch; and windows above windows.
import test, { type ExecutionContext } from 'ava';

import { Workshop } from '../launcher/support.js';
import { Display, compiledModule, compiledWindow } from './display.js';

/** With a compositor that has these globals beside its own. */
async function start(t: ExecutionContext, globals: readonly string[]) {
  const workshop = new Workshop(t);
  const compositor = new Display(t, workshop);
  const module = compiledModule(workshop, 'weston_globals');
  const restart = (names: readonly string[]): Promise<void> =>
    compositor.startWith({ GLOBALS: names.join(' ') }, `--modules=${module}`);
  await restart(globals);
  return { workshop, compositor, restart, program: compiledWindow(workshop) };
}

const OTHERS = ['thaw_one', 'thaw_two'];

test('globals more and others: an app goes on without one more, and starts cold where a number is another one', async (t) => {
  const { compositor, restart, program } = await start(t, OTHERS);
  const command = [program, 'close'];
  compositor.build(command);
  await restart([...OTHERS, 'thaw_three']);
  const more = compositor.launch(command);
  t.is(more.stdout, 'frames 8\n', more.stderr); // Cold, it says that it is shown, too.
  for (const globals of [['thaw_two', 'thaw_one'], ['thaw_one'], ['thaw_zero', ...OTHERS]]) {
    await restart(globals);
    const { stdout, stderr } = compositor.launch(command);
    t.is(stdout, 'shown\nframes 8\n', stderr);
    t.regex(stderr, /tell(s|) of wl_registry .*when the image was made; starting cold/, globals.join());
  }
});

test('one seat more is told to an app, which starts cold for it', async (t) => {
  const workshop = new Workshop(t);
  const compositor = new Display(t, workshop);
  await compositor.start();
  const command = [compiledWindow(workshop), 'close'];
  compositor.build(command);
  await compositor.startSeated();
  t.regex(
    compositor.launch(command).stderr,
    /tells of wl_registry otherwise than when the image was made; starting cold/,
  );
});

test('dmabuf: that it is bound is no state of a GPU, what is made of it is', async (t) => {
  const { workshop, compositor, program } = await start(t, ['zwp_linux_dmabuf_v1']);
  const bound = [program, 'close', 'bind=zwp_linux_dmabuf_v1'];
  compositor.build(bound);
  const launched = compositor.launch(bound);
  t.is(launched.stdout, 'frames 8\n', launched.stderr);
  const refused = workshop.thaw('build', compositor.profile([...bound, 'params']));
  t.not(refused.status, 0);
  t.regex(refused.stderr, /uses zwp_linux_buffer_params_v1, which thaw does not know/);
  t.regex(refused.stderr, /software rendering/);
});

test('interfaces that are in no XML of Debian are refused by name', async (t) => {
  const shells = ['zwlr_layer_shell_v1', 'ivi_application', 'agl_shell'];
  const { workshop, compositor, program } = await start(t, shells);
  for (const shell of shells) {
    const command = [program, 'close', `bind=${shell}`];
    const refused = workshop.thaw('build', compositor.profile(command));
    t.not(refused.status, 0);
    t.regex(refused.stderr, new RegExp(`uses ${shell}, which thaw does not know`));
  }
});

test('a popup that is open comes again, and others are opened after the launch', async (t) => {
  const { workshop, compositor, program } = await start(t, []);
  const command = [program, 'close', 'popup'];
  compositor.build(command);
  t.regex(workshop.thaw('show', 'window').stdout, /session +replay +to .*, Wayland: .* 2 surfaces/);
  const { stdout, stderr } = compositor.launch(command);
  t.is(stdout, 'frames 8\n', stderr);
});

test('a popup that has the input is refused: no launch has the event that opened it', async (t) => {
  const { workshop, compositor, program } = await start(t, []);
  await compositor.startSeated();
  const refused = workshop.thaw('build', compositor.profile([program, 'close', 'popup', 'grab']));
  t.not(refused.status, 0);
  t.regex(refused.stderr, /xdg_popup\.grab with the serial of an event, which another launch has not/);
});

test('a size that the app has not acknowledged yet is waited for: its serial is none of a launch', async (t) => {
  const { workshop, compositor, program } = await start(t, []);
  const refused = workshop.thaw('build', compositor.profile([program, 'close', 'unacknowledged']));
  t.not(refused.status, 0);
  t.regex(refused.stderr, /has not acknowledged a configure yet/);
});
