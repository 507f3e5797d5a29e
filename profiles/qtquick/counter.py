"""Shows counter.qml."""

import os
import sys

from PyQt5.QtCore import QTimer, QUrl
from PyQt5.QtGui import QGuiApplication
from PyQt5.QtQuick import QQuickView


def tell(*words):
    print(*words, flush=True)


app = QGuiApplication(sys.argv)
view = QQuickView()
view.setTitle("Counter")
view.setResizeMode(QQuickView.SizeRootObjectToView)
view.setSource(QUrl.fromLocalFile("counter.qml"))
view.rootObject().told.connect(tell)
view.resize(320, 200)
view.show()
QTimer.singleShot(200, lambda: tell("shown"))
# Qt alone would not let Python answer signals, thaw's among them.
awake = QTimer()
awake.timeout.connect(lambda: None)
awake.start(250)
app.exec()
tell("closed")
# Without Qt's own end: in 7 of 150 cold starts on a busy machine its thread that reads from the compositor had left a read that it
# had announced (Qt 5.15, libQt5WaylandClient), and the other one waited for it for ever.
os._exit(0)
