"""An application with a window, and a service on the session bus: whoever calls Count there counts as a click does."""

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gio, GLib, Gtk  # noqa: E402

NAME = "org.example.Counter"
METHODS = f'<node><interface name="{NAME}"><method name="Count"><arg type="i" direction="out"/></method></interface></node>'


def tell(*words):
    print(*words, flush=True)


class Counter(Gtk.Application):
    def __init__(self):
        super().__init__(application_id=NAME)
        self.clicks = 0
        self.label = Gtk.Label(label="0 clicks")

    def do_dbus_register(self, connection, path):
        interface = Gio.DBusNodeInfo.new_for_xml(METHODS).interfaces[0]
        connection.register_object(path, interface, self.called)
        return Gtk.Application.do_dbus_register(self, connection, path)

    def do_activate(self):
        if self.get_active_window():
            return
        window = Gtk.ApplicationWindow(application=self, default_width=320, default_height=200)
        window.set_titlebar(Gtk.HeaderBar(title="Counter", show_close_button=True))
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, homogeneous=True)
        button = Gtk.Button(label="Count")
        button.connect("clicked", lambda _: self.count())
        box.add(self.label)
        box.add(button)
        window.add(box)
        window.connect("key-press-event", self.pressed)
        window.connect("configure-event", lambda _, event: tell("size", f"{event.width}x{event.height}"))
        window.connect("map-event", lambda *_: GLib.timeout_add(200, tell, "shown") and None)
        window.show_all()

    def count(self):
        self.clicks += 1
        self.label.set_text(f"{self.clicks} clicks")
        tell("clicks", self.clicks)

    def called(self, _connection, _sender, _path, _interface, _method, _parameters, invocation):
        self.count()
        invocation.return_value(GLib.Variant("(i)", (self.clicks,)))

    def pressed(self, _, event):
        screen = Gdk.Display.get_default().get_monitor(0).get_geometry()
        tell("key", event.string, "on", f"{screen.width}x{screen.height}")
        return False


Counter().run()
tell("closed")
