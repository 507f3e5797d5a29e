"""Searches the documentation of Python's standard library, over HTTP on 127.0.0.1:$PORT.

GET /search?q=WORDS   the best matches in a full-text index, as JSON
GET /evaluate?a=A&b=B exact arithmetic and a digest of it, computed for this request
GET /instance         this process as it sees itself: pid, thread ids, a counter of its own, random bytes
"""

import asyncio  # noqa: F401  (part of what this server keeps loaded)
import decimal
import fractions
import hashlib
import importlib
import inspect
import json
import os
import pkgutil
import random
import sqlite3
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Packages whose modules are imported and indexed whole, and single modules.
PACKAGES = ["asyncio", "collections", "concurrent", "ctypes", "email", "html", "http", "importlib", "json", "logging",
            "multiprocessing", "unittest", "urllib", "wsgiref", "xml", "xmlrpc", "zoneinfo"]
MODULES = ["argparse", "array", "ast", "base64", "bisect", "bz2", "calendar", "cmd", "codecs", "configparser", "contextlib",
           "copy", "csv", "dataclasses", "datetime", "decimal", "difflib", "dis", "enum", "fileinput", "fnmatch", "fractions",
           "ftplib", "functools", "gettext", "glob", "gzip", "hashlib", "heapq", "hmac", "imaplib", "inspect", "io",
           "ipaddress", "itertools", "locale", "lzma", "mailbox", "mimetypes", "numbers", "operator", "optparse", "os",
           "pathlib", "pdb", "pickle", "pickletools", "platform", "plistlib", "poplib", "pprint", "profile", "pydoc",
           "queue", "random", "re", "reprlib", "sched", "secrets", "selectors", "shelve", "shlex", "shutil", "signal",
           "smtplib", "socket", "socketserver", "sqlite3", "ssl", "stat", "statistics", "string", "struct", "subprocess",
           "tarfile", "tempfile", "textwrap", "threading", "timeit", "tokenize", "trace", "traceback", "types", "typing",
           "uuid", "warnings", "weakref", "zipapp", "zipfile"]
# Importing these does something at once, or waits for a terminal.
SKIPPED = {"asyncio.__main__", "unittest.__main__", "multiprocessing.resource_sharer", "asyncio.windows_events",
           "asyncio.windows_utils", "multiprocessing.popen_spawn_win32", "ctypes.wintypes", "encodings.mbcs"}


def module_names():
    """Every module to load: the single ones, and each package with all that it holds."""
    yield from MODULES
    for package in PACKAGES:
        yield package
        folder = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(folder, package + "."):
            if found.name not in SKIPPED and ".test" not in found.name:
                yield found.name


def signature(thing):
    """How to call it, as Python writes it; empty where it is not known (some built-in functions)."""
    try:
        return str(inspect.signature(thing))
    except (ValueError, TypeError):
        return ""


def documented(module):
    """(name, kind, signature, text) of each public thing that the module itself defines."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(thing):
            yield name, "class", signature(thing), inspect.getdoc(thing) or ""
            for method_name, method in vars(thing).items():
                if inspect.isfunction(method) and not method_name.startswith("_"):
                    yield f"{name}.{method_name}", "method", signature(method), inspect.getdoc(method) or ""
        elif inspect.isroutine(thing):
            yield name, "function", signature(thing), inspect.getdoc(thing) or ""


def build_index():
    """The full-text index, in memory, and the number of modules in it."""
    index = sqlite3.connect(":memory:", check_same_thread=False)
    index.execute("CREATE VIRTUAL TABLE doc USING fts5(module UNINDEXED, name, kind UNINDEXED, call UNINDEXED, text)")
    modules = []
    for name in module_names():
        try:
            modules.append(importlib.import_module(name))
        except ImportError:
            continue  # a module for another system
    for module in modules:
        rows = [(module.__name__, *row) for row in documented(module)]
        index.executemany("INSERT INTO doc VALUES (?, ?, ?, ?, ?)", rows)
    index.execute("INSERT INTO doc(doc) VALUES ('optimize')")
    index.commit()
    return index, len(modules)


class Library:
    """The index and what is counted about it; shared by the request threads."""

    def __init__(self):
        self.index, self.modules = build_index()
        self.lock = threading.Lock()
        self.entries = self.index.execute("SELECT count(*) FROM doc").fetchone()[0]
        self.answered = 0

    def search(self, words):
        quoted = " ".join('"' + word.replace('"', '""') + '"' for word in words.split())
        query = """SELECT module, name, kind, call, snippet(doc, 4, '', '', '...', 12)
                   FROM doc WHERE doc MATCH ? ORDER BY rank LIMIT 5"""
        with self.lock:
            rows = self.index.execute(query, (quoted,)).fetchall() if quoted else []
        keys = ("module", "name", "kind", "call", "text")
        return {"query": words, "modules": self.modules, "entries": self.entries,
                "found": [dict(zip(keys, row)) for row in rows]}

    def instance(self):
        with self.lock:
            self.answered += 1
            answered = self.answered
        return {"pid": os.getpid(), "thread": threading.get_native_id(), "answered": answered,
                "random": os.urandom(8).hex(), "sequence": random.getrandbits(64)}


def evaluate(a, b):
    """Exact results, which the caller can check by computing them too."""
    ratio = fractions.Fraction(int(a), int(b))
    with decimal.localcontext() as context:
        context.prec = 40
        digits = str(decimal.Decimal(int(a)) / decimal.Decimal(int(b)))
    return {"ratio": f"{ratio.numerator}/{ratio.denominator}", "digits": digits,
            "digest": hashlib.sha256(digits.encode()).hexdigest()}


class Handler(BaseHTTPRequestHandler):
    library = None

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/search":
            self.answer(200, self.library.search(query.get("q", "")))
        elif url.path == "/evaluate":
            self.answer(200, evaluate(query.get("a", "1"), query.get("b", "1")))
        elif url.path == "/instance":
            self.answer(200, self.library.instance())
        else:
            self.answer(404, {"error": "no such page"})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Quiet: a device has no one to read an access log."""


def main():
    Handler.library = Library()
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8202"))), Handler)
    server.serve_forever()


if __name__ == "__main__":
    main()
