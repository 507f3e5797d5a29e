// A menu of GTK: a popup that has the input, opened by a click after the launch.
import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { thawExec } from '../engine/support/paths.js';
import { Workshop, builtWith } from '../launcher/support.js';
import { debianPython } from './bus.js';
import { Display } from './display.js';

const app = `import gi
gi.require_version('Gtk', '3.0')
from gi.repository import Gdk, GLib, Gtk
def tell(*words): print(*words, flush=True)
window = Gtk.Window(default_width=200, default_height=200)
menu, item = Gtk.Menu(), Gtk.MenuItem(label='Choose')
item.connect('activate', lambda _: tell('chosen'))
item.show()
menu.append(item)
menu.connect('map', lambda _: tell('menu'))
button = Gtk.Button(label='Menu')
button.connect('clicked', lambda _: menu.popup_at_widget(button, Gdk.Gravity.CENTER, Gdk.Gravity.NORTH_WEST, None))
window.add(button)
window.connect('map-event', lambda *_: GLib.timeout_add(200, tell, 'shown') and None)
window.show_all()
Gtk.main()
`;

const toolkit = {
  GDK_BACKEND: 'wayland',
  GSETTINGS_BACKEND: 'memory',
  NO_AT_BRIDGE: '1',
  PYTHONDONTWRITEBYTECODE: '1',
};

test('a menu that is opened after the launch', async (t) => {
  const workshop = new Workshop(t);
  const compositor = new Display(t, workshop);
  await compositor.startSeated();
  const command = [debianPython, workshop.write('menu.py', app)];
  const variables = Object.entries(toolkit).map(([name, value]) => `${name} = "${value}", `);
  const toml = compositor.profile(command);
  workshop.write(
    'window.toml',
    readFileSync(toml, 'utf8').replace('env = { ', `env = { ${variables.join('')}`),
  );
  const built = workshop.thaw('build', toml);
  t.is(built.status, 0, built.stderr);
  const child = spawn(thawExec, ['--store', workshop.store, '--', ...command], {
    cwd: workshop.folder,
    env: { ...builtWith, ...compositor.env, ...toolkit, THAW_LOG: 'info' },
  });
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  await compositor.shown(child.pid ?? 0);
  // What comes before the app takes it is lost, as for any app.
  for (const [input, answer] of [
    [['click 100 100'], /^menu$/m],
    [['key 108', 'key 28'], /^chosen$/m], // Down, Enter.
  ] as const)
    for (let tries = 0; tries < 30 && !answer.test(output); ++tries) {
      for (const one of input) await compositor.command(one);
      await setTimeout(500);
    }
  t.regex(output, /^menu$[^]*^chosen$/m);
  t.notRegex(output, /^shown$|starting cold/m);
  child.kill('SIGKILL');
  await once(child, 'exit');
});
