"""A window with a text and a button that counts; it tells of all that happens to it."""

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402


def tell(*words):
    print(*words, flush=True)


class Counter(Gtk.Window):
    def __init__(self):
        super().__init__(title="Counter")
        self.clicks = 0
        self.set_default_size(320, 200)
        self.set_titlebar(Gtk.HeaderBar(title="Counter", show_close_button=True))
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, homogeneous=True)
        self.label = Gtk.Label(label="0 clicks")
        button = Gtk.Button(label="Count")
        button.connect("clicked", self.count)
        box.add(self.label)
        box.add(button)
        self.add(box)
        self.connect("key-press-event", self.pressed)
        self.connect("configure-event", lambda _, event: tell("size", f"{event.width}x{event.height}"))
        self.connect("destroy", Gtk.main_quit)
        self.connect("map-event", lambda *_: GLib.timeout_add(200, tell, "shown") and None)

    def count(self, _):
        self.clicks += 1
        self.label.set_text(f"{self.clicks} clicks")
        tell("clicks", self.clicks)

    def pressed(self, _, event):
        screen = Gdk.Display.get_default().get_monitor(0).get_geometry()
        tell("key", event.string, "on", f"{screen.width}x{screen.height}")
        return False


Counter().show_all()
Gtk.main()
tell("closed")
