"""Writes the tables of Wayland's protocols, from their XML, for record/wayland_tables.cc.

    tables.py OUT FOLDER...     all *.xml in and below the folders

What is left out is refused by name where an app uses it.
"""

import pathlib
import sys
import xml.etree.ElementTree as xml

# State of a GPU or of another display, which nobody can take.
LEFT_OUT = ("drm-lease", "drm.xml")
# The same: a global alone, of which an app has made nothing, is no such state.
LEFT_OUT_INTERFACES = (
    "zwp_linux_buffer_params_v1",
    "zwp_linux_dmabuf_feedback_v1",
    "zwp_linux_surface_synchronization_v1",
    "zwp_linux_buffer_release_v1",
)
# The same names as of a later protocol.
FORMER = ("xdg-shell-unstable-v5",)
KINDS = {"int": "i", "uint": "u", "fixed": "f", "string": "s", "object": "o", "array": "a", "fd": "h"}


def letter(interface, message, argument):
    """One for each argument: S a serial, T a time or what else is of the moment, N a new object of any interface."""
    kind, name = argument.get("type"), argument.get("name")
    if kind == "new_id":
        return "n" if argument.get("interface") else "N"
    if kind == "uint" and "serial" in name:
        return "S"
    if kind == "uint" and (name == "time" or (interface, message) == ("wl_callback", "done")):
        return "T"
    return KINDS[kind]


def row(interface, message):
    name = message.get("name")
    signature, made = "", ""
    for argument in message.findall("arg"):
        signature += letter(interface, name, argument)
        if argument.get("type") == "new_id":
            made = argument.get("interface") or ""
    destructor = "true" if message.get("type") == "destructor" else "false"
    return f'{{"{name}", "{signature}", "{made}", {destructor}}}'


def main(out, *folders):
    found = {}
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.xml")):
            if any(name in str(path) for name in LEFT_OUT + FORMER):
                continue
            for interface in xml.parse(path).getroot().findall("interface"):
                if interface.get("name") not in LEFT_OUT_INTERFACES:
                    found.setdefault(interface.get("name"), interface)
    if "wl_display" not in found or "xdg_surface" not in found:
        sys.exit("tables.py: no wl_display or xdg_surface; install libwayland-dev and wayland-protocols")
    lines = []
    for name, interface in sorted(found.items()):
        for kind in ("request", "event"):
            rows = [row(name, message) for message in interface.findall(kind)]
            if rows:
                lines.append(f"constexpr Signature {name}_{kind}s[] = {{{', '.join(rows)}}};")
    lines.append("constexpr Interface kInterfaces[] = {")
    for name, interface in sorted(found.items()):
        parts = [f"{name}_{kind}s" if interface.find(kind) is not None else "{}" for kind in ("request", "event")]
        lines.append(f'    {{"{name}", {parts[0]}, {parts[1]}}},')
    lines.append("};")
    pathlib.Path(out).write_text("\n".join(lines) + "\n")


main(*sys.argv[1:])
